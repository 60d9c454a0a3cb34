"""The runtime's interface of a kind of data. Each module of `dropgan.serve.kinds` is one kind."""

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
    """An output that a model file may have, ``export.output`` in its card."""

    dtype: str
    """numpy's name of the type."""
    words: str
    """Description of the numbers."""
    unit: str
    """Unit of differences between two files, in the plural; empty for plain numbers."""


class Kind(ABC):
    """A kind of data as the runtime sees it: type, shape, views, and how samples are shown.

    Attributes:
        name: ``data.kind`` in the card, and the prefix of shards' names.
        one: The word for one sample.
        outputs: The outputs that a file of this kind may have, by name; the default comes first.
        shown_as: The view that shows a few samples to people: `PICTURES` (a grid) or `COLUMNS` (a
            table).
        usual_format: Default format of shards.
        in_browsers: True if the page of a web package, which samples in the browser, can draw them.
        usual_labels: How classes are drawn by default: ``uniform``, or ``data`` if the card has their
            counts.
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
        """Name of the default output of a file."""
        return next(iter(self.outputs))

    @abstractmethod
    def layout(self, card: Card) -> str:
        """Return the order of the output's axes as a word."""

    @abstractmethod
    def output_shape(self, card: Card) -> tuple[int, ...]:
        """Return the shape of one sample as the file returns it.

        Raises:
            ModelError: The card's description of the data does not fit this kind.
        """

    def last_axis(self, card: Card) -> int | None:
        """Return the axis of the file's batch that `Generator` moves to the end, or None."""
        return None

    @abstractmethod
    def lacks(self, card: Card, view: str) -> str:
        """Return why the samples have no such view, as text to follow "this model"; empty if they have it."""

    def pictures(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        """Return samples of a kind that has the view `PICTURES` as uint8 [n, height, width, channels]."""
        return samples

    def picture_size(self, sample_shape: tuple[int, ...]) -> tuple[int, int]:
        """Return height and width in pixels of the picture of a sample with this shape."""
        return sample_shape[0], sample_shape[1]

    def step(self, card: Card) -> NDArray[np.float64]:
        """Return the unit in which differences are measured: one number for all values of a sample, or one
        each.
        """
        return np.ones(1)

    def rounded(self, card: Card) -> NDArray[np.bool_] | None:
        """Return a mask of the values that the file rounds to whole numbers, or None if it rounds none this
        way.
        """
        return None

    def apart(
        self, card: Card, made: NDArray[Any], exact: NDArray[Any], every: int = 1
    ) -> NDArray[np.float64]:
        """Return the difference between samples and a certificate's values.

        Args:
            card: Card of the model.
            made: Samples, float [n, values].
            exact: Values of the certificate, float [n, values].
            every: Stride of the certificate's values within a sample; 1 for all values.
        """
        return np.abs(made.astype(np.float64) - exact.astype(np.float64))
