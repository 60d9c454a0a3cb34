"""Data sets of vectors: rows of numbers in named columns."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .dataset import DataError, TrainingData, check_labels, chunks
from .spread import LEAST_SHARE, Spread, commonest, widths

MAX_COLUMNS = 16384
_LEAST_VARIATION = 1e-6  # of a column's size: float32 has steps of 6e-8 of it
_NAMED = 5


@dataclass(frozen=True)
class VectorData(TrainingData):
    """Rows of numbers in memory, or in a file mapped into memory.

    Training standardises each column with its mean and standard deviation. The
    exported graph returns the columns in their own units.

    Attributes:
        vectors: float32 or float64 [n, columns], finite, C-contiguous; may be read-only.
        name: Name of the data set, without directories.
        columns: One name for each column.
        labels: int64 [n] or None.
        class_names: One name for each class, or empty.
        class_numbers: The data's own number of each class, if `with_classes` has closed gaps
            between them; otherwise empty.
        class_column: The table's column that held the labels, or empty.
        mean: float64 [columns], computed at construction.
        scale: float64 [columns], the standard deviations, above 0.
        low: float64 [columns], the smallest values.
        high: float64 [columns], the largest values.
        whole: bool [columns], True if all values are whole numbers.
        spread: The transformation of the columns for training.
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
    low: NDArray[np.float64] = field(init=False, repr=False)
    high: NDArray[np.float64] = field(init=False, repr=False)
    whole: NDArray[np.bool_] = field(init=False, repr=False)
    spread: Spread = field(init=False, repr=False)

    kind: ClassVar[str] = "vectors"
    texts: ClassVar[tuple[str, ...]] = ("name", "class_names", "columns")

    def __post_init__(self) -> None:
        """Measure the columns and refuse data that no network can be trained on.

        Raises:
            DataError: The vectors have another type or shape, are too few, hold values that are not finite
                in float32, or a column is constant within float32's precision.
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
            raise DataError(f"{self.name}: {width} columns need {width} different names")
        self._measure()
        largest = np.maximum(-self.low, self.high)
        constant = self.scale <= _LEAST_VARIATION * largest
        if constant.any():
            raise DataError(
                f"{self.name}: {self._named(constant)} constant, or varying by less than float32 can tell at"
                " their size: leave them out, or subtract an offset"
            )
        object.__setattr__(self, "spread", self._spread())
        check_labels(self.name, count, self.labels, "rows")

    @property
    def samples(self) -> NDArray[np.floating]:
        """The rows."""
        return self.vectors

    @cached_property
    def fingerprint(self) -> str:
        """``sha256:`` and the digest of shape and values as float32."""
        digest = hashlib.sha256(repr(self.vectors.shape).encode())
        for chunk in chunks(self.vectors):
            digest.update(np.ascontiguousarray(chunk, dtype="<f4").data)
        return f"sha256:{digest.hexdigest()}"

    def delivered(self, standard: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return samples as the exported graph returns them: in their own units, bounded, rounded.

        Args:
            standard: float [n, columns].
        """
        rows = np.clip(self.spread.restored(standard), self.low, self.high)
        return np.where(self.whole, np.rint(rows), rows)

    def _measure(self) -> None:
        """Compute mean, standard deviation, bounds and whole columns, some megabytes at a time."""
        count, width = self.vectors.shape
        total, whole = np.zeros(width), np.ones(width, np.bool_)
        low, high = np.full(width, np.inf), np.full(width, -np.inf)
        for chunk in chunks(self.vectors):
            with np.errstate(over="ignore", invalid="ignore"):  # looked for below
                total += chunk.sum(0, dtype=np.float64)
                size = np.abs(chunk).max(0).astype(np.float32)
            broken = ~np.isfinite(size)
            if broken.any():
                raise DataError(
                    f"{self.name}: {self._named(broken)} holding values that are not finite in float32:"
                    " fix or leave out those rows"
                )
            low, high = np.minimum(low, chunk.min(0)), np.maximum(high, chunk.max(0))
            whole &= (chunk == np.rint(chunk)).all(0)
        mean, squares = total / count, np.zeros(width)
        for chunk in chunks(self.vectors):
            squares += np.square(chunk - mean).sum(0)
        found = {"mean": mean, "scale": np.sqrt(squares / count), "low": low, "high": high, "whole": whole}
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def _spread(self) -> Spread:
        """Return the transformation for training: standardising, with point masses spread out."""
        width = self.vectors.shape[1]
        mass, candidates = commonest(self.vectors)
        if not candidates.any():
            return Spread(self.mean, self.scale, np.zeros(width), np.zeros(width))
        count, on, other, squares = len(self), np.zeros(width), np.zeros(width), np.zeros(width)
        for chunk in chunks(self.vectors):
            is_mass = chunk == mass
            on += is_mass.sum(0)
            apart = np.where(is_mass, 0, chunk - self.mean)
            other += apart.sum(0)
            squares += np.square(apart).sum(0)
        share, rest = on / count, np.maximum(count - on, 1)
        deviations = np.sqrt(np.maximum(squares / rest - np.square(other / rest), 0))
        spread_out = candidates & (share >= LEAST_SHARE) & (share < 1)
        mass = np.where(spread_out, mass, 0.0)
        interval = np.zeros(width)
        interval[spread_out] = widths(share[spread_out], deviations[spread_out])
        # the mean place in its interval stands for each mass; what it varies around that is added below
        half, still = np.full(width, 0.5), Spread(np.zeros(width), np.ones(width), mass, interval)
        mean = (
            sum((still.standard(chunk, half).sum(0) for chunk in chunks(self.vectors)), np.zeros(width))
            / count
        )
        squares = np.zeros(width)
        for chunk in chunks(self.vectors):
            squares += np.square(still.standard(chunk, half) - mean).sum(0)
        within = np.where(spread_out, share, 0.0) * np.square(interval) / 12  # the variance of an even spread
        plain = ~spread_out
        return Spread(
            np.where(plain, self.mean, mean),
            np.where(plain, self.scale, np.sqrt(squares / count + within)),
            mass,
            interval,
        )

    def _named(self, which: NDArray[np.bool_]) -> str:
        found = [self.columns[place] for place in np.flatnonzero(which)]
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        verb = "is" if len(found) == 1 else "are"
        return f"column{'s' * (len(found) > 1)} {', '.join(found[:_NAMED])}{more} {verb}"
