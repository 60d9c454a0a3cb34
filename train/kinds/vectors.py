"""Training's side of vectors."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from dropgan.serve.printable import printable

from ..data import VectorData
from ..data.dataset import chunks
from ..data.scaling import Scaling, SpreadOut
from ..kind import TrainingKind
from ..monitor.histograms import histogram_picture
from ..monitor.samples import SamplePicture

_TOLD, _WIDEST = 24, 24  # columns, letters of their names


class Vectors(TrainingKind[VectorData]):
    """Rows of numbers in named columns; in networks each column is standardised."""

    name: ClassVar[str] = "vectors"
    metric: ClassVar[str] = "dropgan.evaluate.validation.vectors:vector_metric"
    evaluation: ClassVar[str] = "dropgan.evaluate.kinds.vectors:answer"
    has_report: ClassVar[bool] = True
    bounded: ClassVar[bool] = False

    def network_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return (columns,)."""
        (columns,) = shape
        return (columns,)

    def described(self, shape: Sequence[int]) -> str:
        """Return the number of columns as text."""
        (columns,) = shape
        return f"rows of {columns:,} columns"

    def scaling(self, data: VectorData) -> Scaling:
        """Return the scaling of each column to mean 0 and standard deviation 1, with point masses
        spread out.
        """
        return SpreadOut(data.spread)

    def picture(self, data: VectorData, classes: int) -> SamplePicture:
        """Return histograms of the columns, real and generated together."""
        return histogram_picture(data)

    def about(self, data: VectorData) -> dict[str, Any]:
        """Return the columns' names, transformation and bounds."""
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

    def facts(self, data: VectorData) -> dict[str, Any]:
        """Return the columns' bounds, means, whole numbers and point masses, and the column with
        the labels.
        """
        shares = _mass_shares(data)
        columns = [
            {
                "name": name,
                "low": float(data.low[place]),
                "high": float(data.high[place]),
                "mean": float(data.mean[place]),
                "standard_deviation": float(data.scale[place]),
                "whole": bool(data.whole[place]),
                "point_mass": float(data.spread.mass[place]) if place in shares else None,
                "point_mass_share": shares.get(place),
            }
            for place, name in enumerate(data.columns)
        ]
        return {"columns": columns, "label_column": data.class_column}

    def told(self, data: VectorData) -> list[tuple[str, str]]:
        """Return one line for each of the first columns."""
        shares = _mass_shares(data)
        lines: list[tuple[str, str]] = []
        width = min(_WIDEST, max(len(printable(name)) for name in data.columns[:_TOLD]))
        for place, name in enumerate(data.columns[:_TOLD]):
            shown = printable(name)
            shown = shown if len(shown) <= width else f"{shown[: width - 1]}…"
            text = f"{shown:<{width}}  {data.low[place]:.6g} to {data.high[place]:.6g}"
            if data.whole[place]:
                text += ", whole numbers"
            if place in shares:
                text += f", {shares[place]:.0%} are {data.spread.mass[place]:.6g}"
            lines.append(("" if lines else "columns", text))
        if len(data.columns) > _TOLD:
            lines.append(("", f"and {len(data.columns) - _TOLD:,} more"))
        if data.class_column:
            lines.append(("labels", f"column {printable(data.class_column)}, which is none of those above"))
        return lines


def _mass_shares(data: VectorData) -> dict[int, float]:
    """Return the columns with a point mass, and the share of rows that have its value."""
    places = np.flatnonzero(data.spread.width)
    counts = np.zeros(len(places))
    for chunk in chunks(data.vectors):
        counts += (chunk[:, places] == data.spread.mass[places]).sum(0)
    return {int(place): count / len(data) for place, count in zip(places, counts.tolist(), strict=True)}


KIND = Vectors()
