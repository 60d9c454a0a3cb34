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
    outputs: ClassVar[Mapping[str, Output]] = {
        "vectors": Output("float32", "float32, in the columns' own units", "standard deviations")
    }
    shown_as: ClassVar[str] = COLUMNS
    usual_format: ClassVar[str] = "parquet"
    usual_labels: ClassVar[str] = "data"

    def layout(self, card: Card) -> str:
        """``nd``, always."""
        return "nd"

    def output_shape(self, card: Card) -> tuple[int, ...]:
        """(columns,)."""
        data = card.data
        if len(data.shape) != 1 or any(
            len(of) != data.shape[0] for of in (data.columns, data.mean, data.scale)
        ):
            raise ModelError(
                "the model's card has vectors without a name, a mean and a scale for each column"
            )
        if not all(math.isfinite(value) for value in (*data.mean, *data.scale)) or min(data.scale) <= 0:
            raise ModelError("the model's card has columns without a finite mean and a scale above 0")
        return data.shape

    def lacks(self, card: Card, view: str) -> str:
        """A row is no picture."""
        return "" if view == COLUMNS else "makes vectors"

    def step(self, card: Card) -> NDArray[np.float64]:
        """`column_step` of the card's columns."""
        mean, scale = (np.array(part, np.float32) for part in (card.data.mean, card.data.scale))
        return column_step(mean, scale).astype(np.float64)


def column_step(mean: NDArray[np.floating[Any]], scale: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """What differences of each column are measured in: its standard deviation, and 1/32 of its mean's
    size, so that float32's own rounding of a large number is nowhere near 1e-5."""
    step: NDArray[np.float32] = (scale + np.abs(mean) / 32).astype(np.float32)
    return step


KIND = Vectors()
