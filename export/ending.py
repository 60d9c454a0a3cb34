"""The nodes that follow a generator in its file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # inspect reads tolerances where there is no PyTorch
    import onnx
    from torch import Tensor


@dataclass(frozen=True)
class Tolerance:
    """Largest difference of any value and largest mean difference, in steps of the output."""

    largest: float
    mean: float


Tolerances = Mapping[tuple[str, str], Tolerance]
"""By precision and output: how far a file may be from PyTorch in float32."""


class Ending(ABC):
    """The conversion from a network's output to the file's output, as nodes and in PyTorch for comparison.

    Attributes:
        value: Name of the output in the file.
        tolerances: Tolerances of files of this kind.
        output: ``export.output`` in the card.
        layout: Order of the output's axes, ``export.layout`` in the card.
        scored: True if a `Scorer` can compare the file's samples with the data.
    """

    value: ClassVar[str]
    tolerances: ClassVar[Tolerances]
    output: str
    layout: str
    scored: bool = False

    @property
    @abstractmethod
    def meaning(self) -> str:
        """Return the meaning of the output's numbers and axes, for readers of the file."""

    @abstractmethod
    def require(self, shape: tuple[int, ...]) -> None:
        """Refuse a generator whose samples do not fit.

        Args:
            shape: Shape of one sample as the network returns it.

        Raises:
            ExportError: They have another shape.
        """

    @abstractmethod
    def append(self, model: onnx.ModelProto, shape: tuple[int, ...]) -> None:
        """Add the nodes after those of the network."""

    @abstractmethod
    def apply(self, made: Tensor) -> Tensor:
        """Return what the nodes return, in PyTorch, without the rounding of the values in `rounded`.

        Args:
            made: Output of the network, float32 [n, *shape].
        """

    @property
    def step(self) -> NDArray[np.floating[Any]]:
        """Return the unit of differences: one number for all values of a sample, or one each."""
        return np.ones(1, np.float32)

    @property
    def rounded(self) -> NDArray[np.bool_] | None:
        """Return a mask of the values that the nodes round and `apply` does not, or None."""
        return None

    def apart(self, made: NDArray[Any], exact: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """Return the difference between the file's samples and those of `apply`, in steps."""
        return np.abs(made.astype(np.float32) - exact.astype(np.float32))

    def channels_last(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return samples from the file in the layout of `dropgan.serve.Generator`."""
        return samples

    @property
    def about(self) -> dict[str, Any]:
        """Return further facts for the card's export, besides output and layout."""
        return {}
