"""The units of vectors: the end of their graph, in numpy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.kinds.vectors import column_step, rounded_apart

Column = NDArray[np.float32]


@dataclass(frozen=True)
class Units:
    """The conversion of a generator's columns to rows in their own units.

    It is ``x * scale + mean``; then the interval over which a point mass was spread in training is folded
    back onto it; then come bounds and whole numbers.
    """

    mean: Column
    scale: Column
    mass: Column | None = None
    """Value of each column's point mass, 0 without one; None if no column has any."""
    width: Column | None = None
    """Width of its interval, 0 without one."""
    low: Column | None = None
    """Smallest value of each column; None leaves them unbounded. The same of ``high``."""
    high: Column | None = None
    whole: NDArray[np.bool_] | None = None
    """Which columns are rounded to whole numbers, halves to even; None if none are."""

    @classmethod
    def of(cls, data: dict[str, Any], *, clip: bool, round_: bool) -> "Units":
        """Return the units of a run.

        Args:
            data: Facts about the data in its checkpoint.
            clip: Keep rows within the data's range.
            round_: Round columns of whole numbers.
        """
        found = {key: np.array(data[key], np.float32) for key in ("mean", "scale", "mass", "width")}
        if not found["width"].any():
            del found["mass"], found["width"]
        if clip:
            found["low"], found["high"] = _within(np.array(data["low"]), np.array(data["high"]))
        whole = np.array(data["whole"], np.bool_)
        return cls(**found, whole=whole if round_ and whole.any() else None)

    @property
    def step(self) -> Column:
        """Return the unit of differences of each column."""
        return column_step(self.mean, self.scale)

    def apart(self, made: NDArray[Any], exact: NDArray[Any]) -> NDArray[np.float64]:
        """Return the differences of rows from unrounded ones, in steps, float64 [n, columns]."""
        return rounded_apart(made, exact, self.whole) / self.step


def _within(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[Column, Column]:
    """Return the smallest and largest float32 that are within the data's range."""
    least, most = low.astype(np.float32), high.astype(np.float32)
    least = np.where(least < low, np.nextafter(least, np.float32(np.inf)), least)
    most = np.where(most > high, np.nextafter(most, np.float32(-np.inf)), most)
    return least, np.maximum(most, least)
