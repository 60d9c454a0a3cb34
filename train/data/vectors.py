"""Vectors: rows of numbers in named columns."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .dataset import DataError, check_labels, chunks, class_count

MAX_COLUMNS = 16384
_LEAST_VARIATION = 1e-6  # of a column's size: float32 has steps of 6e-8 of it
_NAMED = 5


@dataclass(frozen=True)
class VectorData:
    """Rows of numbers in memory, or in a file mapped into memory.

    In training each column has its mean subtracted and is divided by its standard deviation; the
    exported graph gives the columns back in their own units.

    Attributes:
        vectors: float32 or float64 [n, columns], finite, C-contiguous; may be read-only.
        name: Name of the data set, without directories.
        columns: One name a column.
        labels: int64 [n] or None.
        class_names: One name a class, or empty.
        class_numbers: The data's own number of each class, where `with_classes` has closed up gaps
            between them; else empty.
        class_column: The table's column that had the labels, or empty.
        mean: float64 [columns], found at construction.
        scale: float64 [columns], the standard deviations, above 0.
    """

    vectors: NDArray[np.floating]
    name: str
    columns: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    class_numbers: tuple[int, ...] = ()
    class_column: str = ""
    mean: NDArray[np.float64] = field(init=False, repr=False)
    scale: NDArray[np.float64] = field(init=False, repr=False)

    kind = "vectors"

    def __post_init__(self) -> None:
        """Measure the columns and refuse what no network can be trained on.

        Raises:
            DataError: The vectors are of another type or shape, too few, hold values that are not
                finite in float32, or a column is constant, as far as float32 can tell.
        """
        vectors = self.vectors
        if vectors.dtype not in (np.float32, np.float64) or vectors.ndim != 2:
            raise DataError(
                f"{self.name}: vectors must be float32 or float64 of shape [n, columns],"
                f" not {vectors.dtype} of shape {list(vectors.shape)}"
            )
        count, width = vectors.shape
        if count < 2:
            raise DataError(f"{self.name}: {count} row(s) found, training needs at least 2")
        if not 1 <= width <= MAX_COLUMNS:
            raise DataError(f"{self.name}: vectors must have 1 to {MAX_COLUMNS:,} columns, not {width:,}")
        if not self.columns:
            object.__setattr__(self, "columns", tuple(f"column_{place}" for place in range(width)))
        if len(self.columns) != width or len(set(self.columns)) != width:
            raise DataError(f"{self.name}: {width} columns need as many different names")
        mean, scale, largest = self._measured()
        constant = scale <= _LEAST_VARIATION * largest
        if constant.any():
            raise DataError(
                f"{self.name}: {self._named(constant)} constant, or varying by less than float32 can tell at"
                " their size: leave them out, or subtract an offset"
            )
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "scale", scale)
        check_labels(self.name, count, self.labels, "rows")

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def samples(self) -> NDArray[np.floating]:
        """The rows."""
        return self.vectors

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample: (columns,)."""
        return (self.vectors.shape[1],)

    @property
    def classes(self) -> int:
        """Number of classes, 0 without labels; labels are below it."""
        return class_count(self.labels, self.class_names)

    @cached_property
    def fingerprint(self) -> str:
        """``sha256:`` and the digest of shape and values as float32."""
        digest = hashlib.sha256(repr(self.vectors.shape).encode())
        for chunk in chunks(self.vectors):
            digest.update(np.ascontiguousarray(chunk, dtype="<f4").data)
        return f"sha256:{digest.hexdigest()}"

    def _measured(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Mean, standard deviation and largest magnitude of each column, some megabytes at a time."""
        count, width = self.vectors.shape
        total, largest = np.zeros(width), np.zeros(width)
        for chunk in chunks(self.vectors):
            with np.errstate(over="ignore", invalid="ignore"):  # looked for below
                total += chunk.sum(0, dtype=np.float64)
                size = np.abs(chunk).max(0).astype(np.float32)
            broken = ~np.isfinite(size)
            if broken.any():
                raise DataError(
                    f"{self.name}: {self._named(broken)} holding values that are not finite in float32:"
                    " mend or leave out those rows"
                )
            largest = np.maximum(largest, size)
        mean = total / count
        squares = np.zeros(width)
        for chunk in chunks(self.vectors):
            squares += np.square(chunk - mean).sum(0)
        return mean, np.sqrt(squares / count), largest

    def _named(self, which: NDArray[np.bool_]) -> str:
        found = [self.columns[place] for place in np.flatnonzero(which)]
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        verb = "is" if len(found) == 1 else "are"
        return f"column{'s' * (len(found) > 1)} {', '.join(found[:_NAMED])}{more} {verb}"
