"""What follows a generator in its file."""

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
    """Largest difference of any value, and largest mean difference, in steps of the output."""

    largest: float
    mean: float


Tolerances = Mapping[tuple[str, str], Tolerance]
"""By precision and output: how far a file may be from PyTorch in float32."""


class Ending(ABC):
    """From what a network gives to what its file gives: as nodes, and in PyTorch to compare with.

    Attributes:
        value: What the file calls its output.
        tolerances: What files of this kind are held to.
        output: ``export.output`` in the card.
        layout: Order of the output's axes, ``export.layout`` in the card.
        scored: Whether the file gives samples that a `Scorer` can compare with the data.
    """

    value: ClassVar[str]
    tolerances: ClassVar[Tolerances]
    output: str
    layout: str
    scored: bool = False

    @property
    @abstractmethod
    def meaning(self) -> str:
        """What the output's numbers are and how their axes stand, for readers of the file."""

    @abstractmethod
    def require(self, shape: tuple[int, ...]) -> None:
        """Refuse a generator whose samples this cannot follow.

        Args:
            shape: Of one sample as the network gives it.

        Raises:
            ExportError: They are of another shape.
        """

    @abstractmethod
    def append(self, model: onnx.ModelProto, shape: tuple[int, ...]) -> None:
        """Add the nodes behind those of the network."""

    @abstractmethod
    def apply(self, made: Tensor) -> Tensor:
        """What the nodes do, in PyTorch, but for the rounding that `rounded` tells of.

        Args:
            made: float32 [n, *shape], from the network.
        """

    @property
    def step(self) -> NDArray[np.floating[Any]]:
        """What differences are measured in, one number for all values of a sample or one for each."""
        return np.ones(1, np.float32)

    @property
    def rounded(self) -> NDArray[np.bool_] | None:
        """Which values of a sample the nodes round to whole numbers and `apply` does not; None: none."""
        return None

    def apart(self, made: NDArray[Any], exact: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """How far the file's samples are from those of `apply`, in steps."""
        return np.abs(made.astype(np.float32) - exact.astype(np.float32))

    def channels_last(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Samples from the file in the order in which `dropgan.serve.Generator` gives them."""
        return samples

    @property
    def about(self) -> dict[str, Any]:
        """What the card's export says of it beside output and layout."""
        return {}
