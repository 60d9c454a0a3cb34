"""Tables with named columns."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .source import Source

_WHOLE = 2.0**62


class Rows(Protocol):
    """A table that can grow."""

    def add(self, rows: NDArray[np.float32], labels: NDArray[np.int64] | None) -> None:
        """Append rows [n, columns] and, for a class-conditional model, labels [n]."""

    def close(self) -> None:
        """Write the end of the table; the file stays open."""


class Header:
    """The columns of a table: those of the vectors, then the class if there are classes.

    Attributes:
        columns: Names of the vectors' columns.
        label: Name of the column of classes: that of the data, or else ``label`` (``label_`` if a column
            of the vectors has that name); empty without classes.
        class_names: Written instead of numbers, if the classes have names.
        whole: For each column of the vectors, True if it holds whole numbers that fit 64 bits.
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
        """Return classes by name, or by number if they have no names."""
        numbers: list[int] = labels.tolist()
        return [self.class_names[number] for number in numbers] if self.class_names else numbers
