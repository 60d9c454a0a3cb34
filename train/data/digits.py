"""Digits that numbers lose as float32, in which a model gives them back."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

WHOLE_IN_FLOAT32 = 2**24
"""Whole numbers up to it are all float32; beyond it some seven digits of them are."""
_WHOLE_IN_FLOAT64 = 2**53  # a float beyond it counts nothing: it has lost its units already
_SHOWN = 200


class Digits:
    """Looks at columns before they become float32, some rows at a time."""

    def __init__(self, width: int) -> None:
        """Begin with no rows of so many columns."""
        self._lost, self._fractions = np.zeros(width, np.bool_), np.zeros(width, np.bool_)
        self._decimals = np.zeros(width, np.bool_)

    def look(
        self, rows: NDArray[np.number], places: slice = slice(None), decimals: int | None = None
    ) -> None:
        """Take rows into account.

        Args:
            rows: Numbers [n, columns].
            places: Which columns they are of.
            decimals: Digits behind the point that every number has; None for numbers that are none of a
                type with so many.
        """
        if not len(rows):
            return
        if rows.dtype.kind in "iu":
            self._lost[places] |= (rows.max(0) > WHOLE_IN_FLOAT32) | (rows.min(0) < -WHOLE_IN_FLOAT32)
        elif decimals is not None:
            self._decimals[places] = decimals > 0
            self._lost[places] |= (np.abs(rows) * 10.0**decimals > WHOLE_IN_FLOAT32).any(0)
        elif rows.dtype.itemsize > 4:
            with np.errstate(over="ignore", invalid="ignore"):
                changed = rows.astype(np.float32) != rows
            self._fractions[places] |= (rows != np.rint(rows)).any(0)
            self._lost[places] |= (changed & (np.abs(rows) <= _WHOLE_IN_FLOAT64)).any(0)

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Which columns lose digits that somebody may count on: whole numbers and decimals, bool [columns].

        Any other float has more digits than were measured.
        """
        return self._lost & ~self._fractions

    def remarks(self, name: str, columns: Sequence[str]) -> Iterator[str]:
        """A line about the columns that lose some, of whole numbers and of decimals."""
        for kind, which in (
            (f"whole numbers beyond {WHOLE_IN_FLOAT32:,} keep seven digits", self.lost & ~self._decimals),
            ("decimals of more than seven digits keep seven", self.lost & self._decimals),
        ):
            if which.any():
                named = ", ".join(columns[int(place)] for place in np.flatnonzero(which))[:_SHOWN]
                yield f"{name}: {kind}: column {named}"
