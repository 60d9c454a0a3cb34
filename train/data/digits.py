"""Find digits that numbers lose in float32, the type in which a model returns them."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

WHOLE_IN_FLOAT32 = 2**24
"""Whole numbers up to it are all float32; beyond it some seven digits of them are."""
_WHOLE_IN_FLOAT64 = 2**53  # a float beyond it counts nothing: it has lost its units already
_SHOWN = 200


class Digits:
    """Examines columns before they become float32, some rows at a time."""

    def __init__(self, width: int) -> None:
        """Start with no rows and ``width`` columns."""
        self._lost, self._fractions = np.zeros(width, np.bool_), np.zeros(width, np.bool_)
        self._decimals = np.zeros(width, np.bool_)

    def look(
        self, rows: NDArray[np.number], places: slice = slice(None), decimals: int | None = None
    ) -> None:
        """Examine rows.

        Args:
            rows: Numbers [n, columns].
            places: The columns that the rows belong to.
            decimals: Digits after the point of a decimal type; None for any other type.
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
        """Return which columns of whole numbers or decimals lose digits, bool [columns].

        Other floats usually have more digits than were measured, so they do not count.
        """
        return self._lost & ~self._fractions

    def remarks(self, name: str, columns: Sequence[str]) -> Iterator[str]:
        """Yield a line about whole numbers and one about decimals, if columns of these lose digits."""
        for kind, which in (
            (f"whole numbers beyond {WHOLE_IN_FLOAT32:,} keep seven digits", self.lost & ~self._decimals),
            ("decimals of more than seven digits keep seven", self.lost & self._decimals),
        ):
            if which.any():
                named = ", ".join(columns[int(place)] for place in np.flatnonzero(which))[:_SHOWN]
                yield f"{name}: {kind}: column {named}"
