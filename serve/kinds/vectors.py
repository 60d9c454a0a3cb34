"""Vectors: rows of numbers in named columns."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..card import Card
from ..errors import ModelError
from ..kind import COLUMNS, Kind, Output


class Vectors(Kind):
    """Rows of float32 in the columns' own units; the card's shape is (columns,)."""

    name: ClassVar[str] = "vectors"
    one: ClassVar[str] = "vector"
    outputs: ClassVar[Mapping[str, Output]] = {
        "vectors": Output("float32", "float32, in the columns' own units", "standard deviations")
    }
    shown_as: ClassVar[str] = COLUMNS
    usual_format: ClassVar[str] = "parquet"
    usual_labels: ClassVar[str] = "data"

    def layout(self, card: Card) -> str:
        """Return ``nd``."""
        return "nd"

    def output_shape(self, card: Card) -> tuple[int, ...]:
        """Return (columns,)."""
        data = card.data
        if len(data.shape) != 1 or any(
            len(of) != data.shape[0] for of in (data.columns, data.mean, data.scale)
        ):
            raise ModelError(
                "the model's card has vectors without a name, a mean and a scale for each column"
            )
        bounds = (data.mass, data.width, data.low, data.high, data.whole)
        if any(len(of) not in (0, data.shape[0]) for of in bounds):
            raise ModelError("the model's card has bounds or point masses that are not one for each column")
        if (card.export.clipped and not (data.low and data.high)) or (card.export.rounded and not data.whole):
            raise ModelError("the model's card says that its columns are bounded, but has no bounds")
        numbers = (*data.mean, *data.scale, *data.mass, *data.width, *data.low, *data.high)
        if not all(map(math.isfinite, numbers)) or min(data.scale) <= 0:
            raise ModelError("the model's card has columns without a finite mean and a scale above 0")
        return data.shape

    def lacks(self, card: Card, view: str) -> str:
        """Return a text for pictures, because a row is not a picture."""
        return "" if view == COLUMNS else "makes vectors"

    def step(self, card: Card) -> NDArray[np.float64]:
        """Return `column_step` of the card's columns."""
        mean, scale = (np.array(part, np.float32) for part in (card.data.mean, card.data.scale))
        return column_step(mean, scale).astype(np.float64)

    def apart(
        self, card: Card, made: NDArray[Any], exact: NDArray[Any], every: int = 1
    ) -> NDArray[np.float64]:
        """Return `rounded_apart` if some columns are rounded, otherwise the absolute difference."""
        whole = self.rounded(card)
        return rounded_apart(made, exact, None if whole is None else whole[::every])

    def rounded(self, card: Card) -> NDArray[np.bool_] | None:
        """Return a mask of the columns of whole numbers."""
        return np.array(card.data.whole, np.bool_) if card.export.rounded else None


def column_step(mean: NDArray[np.floating[Any]], scale: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the unit of differences of each column: its standard deviation plus 1/32 of its mean's size.

    The second term keeps float32's own rounding of large numbers far below 1e-5 of the unit.
    """
    step: NDArray[np.float32] = (scale + np.abs(mean) / 32).astype(np.float32)
    return step


def rounded_apart(
    made: NDArray[Any], exact: NDArray[Any], whole: NDArray[np.bool_] | None
) -> NDArray[np.float64]:
    """Return the difference between values and their targets, where some columns are rounded.

    A value next to a half may round either way on another machine. A rounded value must therefore be a whole
    number, and its difference is the distance from the unrounded target to the nearest number that rounds to
    it.

    Args:
        made: float [n, columns], rounded where ``whole`` says so.
        exact: Targets before rounding, float [n, columns].
        whole: Mask of the rounded columns, bool [columns]; None if none are rounded.
    """
    apart: NDArray[np.float64] = np.abs(made.astype(np.float64) - exact.astype(np.float64))
    if whole is None:
        return apart
    rounded = np.where(made == np.rint(made), np.maximum(apart - 0.5, 0), np.inf)
    return np.where(whole, rounded, apart)


KIND = Vectors()
