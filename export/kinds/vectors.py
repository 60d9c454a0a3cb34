"""Export of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..deployment import Deployment, Wanted
from ..ending import Ending, Tolerance, Tolerances
from ..errors import ExportError
from ..units import Units

if TYPE_CHECKING:
    import onnx
    from torch import Tensor

TOLERANCES: Tolerances = {
    # no tanh keeps values within 1
    ("fp32", "vectors"): Tolerance(5e-5, 5e-6),
    ("fp16", "vectors"): Tolerance(0.1, 3e-3),
}


class VectorEnding(Ending):
    """Converts rows to the columns' own units."""

    value: ClassVar[str] = "vectors"
    tolerances: ClassVar[Tolerances] = TOLERANCES
    output = "vectors"
    layout = "nd"

    def __init__(self, units: Units) -> None:
        self.units = units

    @property
    def meaning(self) -> str:
        """Return the meaning of the columns."""
        return "the columns in their own units; batch, column"

    def require(self, shape: tuple[int, ...]) -> None:
        """Require (columns,)."""
        if shape != self.units.mean.shape:
            raise ExportError(
                f"the generator must make vectors [n, {len(self.units.mean)}], not [n, {list(shape)}]"
            )

    def append(self, model: onnx.ModelProto, shape: tuple[int, ...]) -> None:
        """Add units, bounds and whole numbers."""
        from ..postprocessing import append_units

        append_units(model, self.units)

    def apply(self, made: Tensor) -> Tensor:
        """Return float32 [n, columns], not rounded."""
        import torch

        units = self.units
        rows = made * torch.from_numpy(units.scale) + torch.from_numpy(units.mean)
        if units.mass is not None and units.width is not None:
            mass, above = torch.from_numpy(units.mass), torch.from_numpy(units.mass + units.width)
            rows = torch.minimum(rows, mass) + (rows - above).clamp_min(0)
        if units.low is not None and units.high is not None:
            low, high = torch.from_numpy(units.low), torch.from_numpy(units.high)
            rows = torch.minimum(torch.maximum(rows, low), high)
        return rows

    @property
    def step(self) -> NDArray[np.floating[Any]]:
        """Return the step of each column."""
        return self.units.step

    @property
    def rounded(self) -> NDArray[np.bool_] | None:
        """Return a mask of the columns of whole numbers."""
        return self.units.whole

    def apart(self, made: NDArray[Any], exact: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """Return differences in the columns' steps."""
        return self.units.apart(made, exact)

    @property
    def about(self) -> dict[str, Any]:
        """Return facts about bounds and rounding."""
        return {"clipped": self.units.low is not None, "rounded": self.units.whole is not None}


class Vectors(Deployment):
    """Vectors in one output, without layouts and int8."""

    name: ClassVar[str] = "vectors"
    tolerances: ClassVar[Tolerances] = TOLERANCES

    def ending(self, data: dict[str, Any], wanted: Wanted) -> VectorEnding:
        """Return the ending for the training data's columns."""
        if wanted.output not in ("", VectorEnding.output) or wanted.layout:
            raise ExportError("this run makes vectors: output pixels or float and layouts are for images")
        if wanted.precision not in ("fp32", "fp16"):
            raise ExportError(
                f"precision {wanted.precision} is for images, whose scores show its cost: vectors"
                " take fp32 or fp16"
            )
        return VectorEnding(Units.of(data, clip=wanted.clip, round_=wanted.round_whole))


DEPLOYMENT = Vectors()
