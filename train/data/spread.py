"""Prepare columns of vectors for training: standardise them and spread out point masses.

A value that many rows share (no rain on nine days of ten) is a point mass. No continuous generator hits it:
nine tenths of its samples would lie near the value and hardly one on it. For training such a value is spread
evenly over an interval, and values above it move up by the interval's width. The exported graph folds the
interval back onto the value. The networks see continuous values, and the mass comes back exactly. (Spreading
discrete values by uniform noise: Theis, van den Oord, Bethge, "A note on the evaluation of generative
models", ICLR 2016, section 3.1; the width and the fold are dropgan's.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

LEAST_SHARE = 0.05
"""The least share of rows with one value that makes a point mass."""
_LEAST_VALUES = 20  # other values: a column of few whole numbers is learned by rounding alone
_MOST_WIDTH = 4.0  # standard deviations of the other values: beyond it they would be squeezed too narrow
_SAMPLED = 2**22  # values in which point masses are looked for


@dataclass(frozen=True)
class Spread:
    """The transformation of columns from their own units to the networks' input, and back.

    Attributes:
        mean: Mean of each column after spreading, float64 [columns].
        scale: Standard deviation of each column after spreading, above 0.
        mass: Value of each column's point mass; 0 in columns without one.
        width: Width of the interval that the mass is spread over; 0 in columns without one.
    """

    mean: Column
    scale: Column
    mass: Column
    width: Column

    def standard(self, rows: NDArray[np.floating], places: Column) -> Column:
        """Return rows in their own units as the networks' input.

        Args:
            rows: float [n, columns].
            places: Position of each mass in its interval, float64 [n, columns], 0 to 1.
        """
        above = np.where(rows == self.mass, places, rows > self.mass)
        standard: Column = (rows + above * self.width - self.mean) / self.scale
        return standard

    def restored(self, standard: NDArray[np.floating]) -> Column:
        """Convert back to the columns' own units, without bounds."""
        rows = standard * self.scale + self.mean
        folded: Column = np.minimum(rows, self.mass) + np.maximum(rows - (self.mass + self.width), 0)
        return np.where(self.width > 0, folded, rows)


def commonest(rows: NDArray[np.floating]) -> tuple[Column, NDArray[np.bool_]]:
    """Return the most frequent value of each column, and if it is a candidate for a point mass.

    It is searched in a sample spread evenly over the rows. A candidate needs enough rows with the value and
    enough with other values.

    Args:
        rows: float [n, columns].
    """
    wanted = max(256, _SAMPLED // rows.shape[1])
    places = np.linspace(0, len(rows) - 1, min(len(rows), wanted)).astype(np.int64)
    some = np.sort(np.asarray(rows[places], np.float64), axis=0)
    values, candidates = np.zeros(rows.shape[1]), np.zeros(rows.shape[1], np.bool_)
    for place, column in enumerate(some.T):
        starts = np.flatnonzero(np.diff(column, prepend=-np.inf))
        counts = np.diff(starts, append=len(column))
        most = counts.argmax()
        values[place] = column[starts[most]]
        candidates[place] = counts[most] >= LEAST_SHARE * len(column) and len(starts) > _LEAST_VALUES
    return values, candidates


def widths(shares: Column, deviations: Column) -> Column:
    """Return the width of the interval over which each point mass is spread.

    The width makes the mass about as dense as the values around it: the share of the mass relative to that of
    the other rows, times their standard deviation.

    Args:
        shares: Share of the rows that have the mass, above 0 and below 1.
        deviations: Standard deviation of the other rows.
    """
    width: Column = np.minimum(shares / (1 - shares), _MOST_WIDTH) * deviations
    return width
