"""Write a few samples into one file: an array, a grid of pictures, or a table. For shards see
`dropgan.serve.batch`.
"""

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .atomic import atomic_file, write_bytes
from .batch.formats import FORMATS
from .batch.labels import Labels, label_rule, labels_of
from .card import Card
from .columns import Header, Rows
from .errors import InputError
from .kind import COLUMNS, PICTURES
from .kinds import kind_of
from .latents import check_range, check_truncation
from .pictures import class_columns, encode_png, grid, shown_scale
from .reporter import LOGGED, Progress, Reporter
from .source import Source
from .space import CERTAIN, PROBE, free_bytes, require_room

_BATCH = 1024
_ROWS = 4096  # of a table at once: Parquet's row groups
_MAX_GRID = 4096


class Write(Protocol):
    """Writes samples ``start`` to ``start + count - 1`` of ``seed`` to one file, completely or not at all.

    ``labels`` is as for `dropgan.serve.batch.generate`.
    """

    def __call__(
        self,
        generator: Source,
        path: Path,
        count: int,
        *,
        seed: int,
        start: int,
        reporter: Reporter = LOGGED,
        truncation: float = 1.0,
        labels: Labels | None = None,
    ) -> None: ...


def write_npy(
    generator: Source,
    path: Path,
    count: int,
    *,
    seed: int,
    start: int,
    reporter: Reporter = LOGGED,
    truncation: float = 1.0,
    labels: Labels | None = None,
) -> None:
    """Write samples as one ``.npy`` array in constant memory. The file is complete or not there.

    Raises:
        InputError: The range cannot be addressed, or the labels do not fit.
        OutputError: The file cannot be written, or does not fit on the disk.
    """
    batches = _batches(generator, count, _BATCH, seed, start, truncation, labels)
    plain = math.prod(generator.sample_shape) * generator.sample_dtype.itemsize
    require_room(path.parent, count * plain, f"{count:,} samples")
    header = {
        "descr": np.lib.format.dtype_to_descr(generator.sample_dtype),
        "fortran_order": False,
        "shape": (count, *generator.sample_shape),
    }
    with atomic_file(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        done = 0
        for batch, _ in batches:
            file.write(np.ascontiguousarray(batch).data)
            done += len(batch)
            reporter.progress(Progress("sampling", done, count, "samples"))


def write_grid(
    generator: Source,
    path: Path,
    count: int,
    *,
    seed: int,
    start: int,
    reporter: Reporter = LOGGED,
    truncation: float = 1.0,
    labels: Labels | None = None,
) -> None:
    """Write all samples as one grid picture.

    If the model is class-conditional and labels are not chosen, sample i has class i modulo the number of
    classes, and with up to 32 classes each class has its own columns. The grid thus shows every class.

    Raises:
        InputError: ``count`` is not 1 to 4,096, the samples are not pictures, or the labels do not fit.
        MissingExtraError: Pillow is not installed.
        OutputError: The file cannot be written.
    """
    _require_view(generator, PICTURES, path)
    if not 1 <= count <= _MAX_GRID:
        raise InputError(f"a grid shows 1 to {_MAX_GRID} samples, not {count}")
    columns, classes = None, generator.classes
    if classes and labels is None:
        labels = "balanced"
        columns = class_columns(count, classes) if start % classes == 0 else None
    ((samples, _),) = _batches(generator, count, count, seed, start, truncation, labels)
    pictures = kind_of(generator.card).pictures(samples)
    scale = shown_scale(count, pictures.shape[2], columns)
    write_bytes(path, encode_png(grid(pictures, columns, scale=scale)))
    reporter.progress(Progress("sampling", count, count, "samples"))


def write_table(
    generator: Source,
    path: Path,
    count: int,
    *,
    seed: int,
    start: int,
    reporter: Reporter = LOGGED,
    truncation: float = 1.0,
    labels: Labels | None = None,
) -> None:
    """Write samples as one table of named columns in constant memory. The file is complete or not there.

    The class of a class-conditional model's rows is in the last column.

    Raises:
        InputError: The samples have no columns, the range cannot be addressed, or the labels do not fit.
        MissingExtraError: pyarrow, which Parquet needs, is not installed.
        OutputError: The file cannot be written, or does not fit on the disk.
    """
    _require_view(generator, COLUMNS, path)
    format_ = FORMATS.get(path.suffix.removeprefix("."))
    begin = format_.ways[COLUMNS].rows if format_ and COLUMNS in format_.ways else None
    if begin is None:
        raise InputError(f"{path.name} is not a table: use NAME.csv or NAME.parquet")
    batches = _batches(generator, count, _ROWS, seed, start, truncation, labels)
    if count * (64 * len(generator.card.data.columns) + _ROWS) > free_bytes(path.parent):
        few = _batches(generator, min(count, PROBE), PROBE, seed, start, truncation, labels)
        size = _written(begin, generator, few) / min(count, PROBE)
        require_room(path.parent, count * size * CERTAIN, f"{count:,} rows")
    with atomic_file(path) as file:
        rows, done = begin(file, Header(generator)), 0
        for batch, chosen in batches:
            rows.add(batch, chosen)
            done += len(batch)
            reporter.progress(Progress("sampling", done, count, "samples"))
        rows.close()


@dataclass(frozen=True)
class Shown:
    """How samples of one view are shown to people."""

    suffix: str
    """Suffix of the file that shows a few samples."""
    more: str
    """Suffix of the file that a program reads many samples from."""
    write: Write
    """Writes the first."""


SHOWN = {PICTURES: Shown(".png", ".npy", write_grid), COLUMNS: Shown(".csv", ".csv", write_table)}
"""By a kind's ``shown_as``."""


def shown_as(card: Card) -> Shown:
    """Return how a model's samples are shown to people."""
    return SHOWN[kind_of(card).shown_as]


def _batches(
    generator: Source,
    count: int,
    size: int,
    seed: int,
    start: int,
    truncation: float,
    labels: Labels | None,
) -> Iterator[tuple[NDArray[Any], NDArray[np.int64] | None]]:
    """Yield samples and their labels in batches. Arguments are checked at once."""
    check_range(count, seed, start)
    check_truncation(truncation)
    rule = label_rule(generator, labels)

    def make() -> Iterator[tuple[NDArray[Any], NDArray[np.int64] | None]]:
        for first in range(start, start + count, size):
            some = min(size, start + count - first)
            chosen = labels_of(generator, rule, seed=seed, start=first, count=some)
            yield generator.sample(some, seed=seed, start=first, labels=chosen, truncation=truncation), chosen

    return make()


def _written(
    begin: Callable[[Any, Header], Rows],
    generator: Source,
    batches: Iterator[tuple[NDArray[Any], NDArray[np.int64] | None]],
) -> int:
    """Return the size in bytes of a table with these rows."""
    buffer = io.BytesIO()
    rows = begin(buffer, Header(generator))
    for batch, chosen in batches:
        rows.add(batch, chosen)
    rows.close()
    return buffer.tell()


def _require_view(generator: Source, view: str, path: Path) -> None:
    """Refuse a file whose format cannot hold the samples."""
    reason = kind_of(generator.card).lacks(generator.card, view)
    if reason:
        raise InputError(
            f"{path.name} holds {view}, this model {reason}: -o NAME.npy,"
            f" NAME{shown_as(generator.card).suffix} or a directory"
        )
