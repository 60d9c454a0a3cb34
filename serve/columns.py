"""Tables with a column a name: what they are made of."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .source import Source

_WHOLE = 2.0**62


class Rows(Protocol):
    """A table that grows."""

    def add(self, rows: NDArray[np.float32], labels: NDArray[np.int64] | None) -> None:
        """Append rows [n, columns], and the labels [n] of a class-conditional model."""

    def close(self) -> None:
        """Write what ends the table; the file stays open."""


class Header:
    """The columns of a table: those of the vectors, and after them the class where there are classes.

    Attributes:
        columns: Names of the vectors' columns.
        label: Name of the column of classes: the data's own, or else ``label`` (with ``_`` behind it
            where a column of the vectors is called so); empty without classes.
        class_names: In the place of numbers, if the classes have names.
        whole: Whether each column of the vectors holds whole numbers that a 64-bit one can hold.
    """

    def __init__(self, generator: Source) -> None:
        card = generator.card
        self.columns, bounded = card.data.columns, card.export.rounded and card.export.clipped
        bounds = zip(card.data.whole, card.data.low, card.data.high, strict=True) if bounded else ()
        self.whole = [whole and max(-low, high) < _WHOLE for whole, low, high in bounds]
        self.whole = self.whole or [False] * len(self.columns)
        self.class_names = dict(zip(generator.class_numbers, generator.class_names, strict=False))
        self.label = (generator.card.labels.column or "label") if generator.classes else ""
        while self.label in self.columns:
            self.label += "_"

    def named(self, labels: NDArray[np.int64]) -> list[str] | list[int]:
        """Classes by their names, or else their numbers."""
        numbers: list[int] = labels.tolist()
        return [self.class_names[number] for number in numbers] if self.class_names else numbers
