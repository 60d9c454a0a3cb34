"""Vectors."""

from collections.abc import Sequence
from typing import Any, ClassVar

from ..data import VectorData
from ..data.scaling import Scaling, SpreadOut
from ..kind import TrainingKind
from ..monitor.histograms import histogram_picture
from ..monitor.samples import SamplePicture


class Vectors(TrainingKind[VectorData]):
    """Rows of numbers in named columns, each column standardised in networks."""

    name: ClassVar[str] = "vectors"
    metric: ClassVar[str] = "dropgan.evaluate.validation.vectors:vector_metric"
    evaluation: ClassVar[str] = "dropgan.evaluate.kinds.vectors:answer"
    bounded: ClassVar[bool] = False

    def network_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(columns,)."""
        (columns,) = shape
        return (columns,)

    def described(self, shape: Sequence[int]) -> str:
        """The number of columns."""
        (columns,) = shape
        return f"rows of {columns:,} columns"

    def scaling(self, data: VectorData) -> Scaling:
        """Each column's mean 0, its standard deviation 1, point masses spread out."""
        return SpreadOut(data.spread)

    def picture(self, data: VectorData, classes: int) -> SamplePicture:
        """Histograms of the columns, real beside generated."""
        return histogram_picture(data)

    def about(self, data: VectorData) -> dict[str, Any]:
        """The columns: names, how they are laid out, bounds."""
        spread = data.spread
        return {
            "columns": list(data.columns),
            "mean": spread.mean.tolist(),
            "scale": spread.scale.tolist(),
            "mass": spread.mass.tolist(),
            "width": spread.width.tolist(),
            "low": data.low.tolist(),
            "high": data.high.tolist(),
            "whole": data.whole.tolist(),
        }


KIND = Vectors()
