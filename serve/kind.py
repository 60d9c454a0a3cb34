"""What the runtime asks of a kind of data. The kinds are in `dropgan.serve.kinds`, one a file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .card import Card

ARRAY, PICTURES, COLUMNS, GRAPHS = "array", "pictures", "columns", "graphs"
"""The ways to look at samples: every kind is an array; some are pictures, rows of columns or graphs too. A
shard format holds one or several of these views."""


@dataclass(frozen=True)
class Output:
    """What a model file may give, ``export.output`` in its card."""

    dtype: str
    """numpy's name of the type."""
    words: str
    """What the numbers are, for people."""
    unit: str
    """What differences between two files are measured in, in the plural; empty for plain numbers."""


class Kind(ABC):
    """A kind of data, as the runtime sees it: type and shape, views, and how it is shown.

    Attributes:
        name: ``data.kind`` in the card, and the beginning of shards' names.
        one: What one sample is called.
        outputs: What a file of this kind may give, by name; the usual one first.
        shown_as: The view in which people look at a few samples: `PICTURES` (a grid) or `COLUMNS`
            (a table).
        usual_format: The format of shards where the user names none.
        in_browsers: Whether the page of a web package, which samples in the browser, can draw them.
        usual_labels: How classes are drawn where the user chooses none: ``uniform``, or ``data`` where the
            card has their counts.
    """

    name: ClassVar[str]
    one: ClassVar[str]
    outputs: ClassVar[Mapping[str, Output]]
    shown_as: ClassVar[str]
    usual_format: ClassVar[str]
    in_browsers: ClassVar[bool] = False
    usual_labels: ClassVar[str] = "uniform"

    @property
    def usual_output(self) -> str:
        """The output of a file where the user names none."""
        return next(iter(self.outputs))

    @abstractmethod
    def layout(self, card: Card) -> str:
        """Order of the output's axes, in a word that people read."""

    @abstractmethod
    def output_shape(self, card: Card) -> tuple[int, ...]:
        """Shape of one sample as the file gives it.

        Raises:
            ModelError: What the card says of the data does not suit the kind.
        """

    def last_axis(self, card: Card) -> int | None:
        """The axis of a batch from the file that `Generator` moves to the end; None leaves it as it is."""
        return None

    @abstractmethod
    def lacks(self, card: Card, view: str) -> str:
        """Why the samples cannot be looked at as pictures, columns or graphs, to follow "this model"; empty
        where they can."""

    def pictures(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        """Samples of a kind that does not lack `PICTURES` as uint8 [n, height, width, channels]."""
        return samples

    def picture_size(self, sample_shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width in pixels of what `pictures` makes of a sample of such a shape."""
        return sample_shape[0], sample_shape[1]

    def step(self, card: Card) -> NDArray[np.float64]:
        """What differences are measured in, one number for all values of a sample or one for each."""
        return np.ones(1)

    def rounded(self, card: Card) -> NDArray[np.bool_] | None:
        """Which values of a sample the file rounds to whole numbers; None if it rounds none so."""
        return None

    def apart(
        self, card: Card, made: NDArray[Any], exact: NDArray[Any], every: int = 1
    ) -> NDArray[np.float64]:
        """How far samples are from what a certificate keeps of them, every so many-th of their values.

        Args:
            card: The model's.
            made: float [n, values].
            exact: The same of the certificate.
            every: 1 for all values of a sample.
        """
        return np.abs(made.astype(np.float64) - exact.astype(np.float64))
