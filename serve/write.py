"""A few samples into one file: an array, a grid to look at, a table. Shards are `dropgan.serve.batch`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .atomic import atomic_file, write_bytes
from .batch.formats import FORMATS
from .card import Card
from .columns import Header
from .errors import InputError
from .generator import Generator
from .kind import COLUMNS, PICTURES
from .kinds import kind_of
from .pictures import class_columns, encode_png, grid

Progress = Callable[[int], None]
"""Called with the number of samples written so far."""

_BATCH = 1024
_ROWS = 4096  # of a table at once: Parquet's row groups
_MAX_GRID = 4096


class Write(Protocol):
    """Writes samples ``start`` to ``start + count - 1`` of ``seed`` into one file, whole or not at all."""

    def __call__(
        self,
        generator: Generator,
        path: Path,
        count: int,
        *,
        seed: int,
        start: int,
        progress: Progress,
        truncation: float = 1.0,
        labels: NDArray[np.int64] | None = None,
    ) -> None: ...


def write_npy(
    generator: Generator,
    path: Path,
    count: int,
    *,
    seed: int,
    start: int,
    progress: Progress,
    truncation: float = 1.0,
    labels: NDArray[np.int64] | None = None,
) -> None:
    """Write samples as one ``.npy`` array, in constant memory; the file is whole or not there.

    Raises:
        InputError: The range cannot be addressed.
        OutputError: The file cannot be written.
    """
    batches = generator.stream(
        count, seed=seed, start=start, labels=labels, batch_size=_BATCH, truncation=truncation
    )
    header = {
        "descr": np.lib.format.dtype_to_descr(generator.sample_dtype),
        "fortran_order": False,
        "shape": (count, *generator.sample_shape),
    }
    with atomic_file(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        done = 0
        for batch in batches:
            file.write(np.ascontiguousarray(batch).data)
            done += len(batch)
            progress(done)


def write_grid(
    generator: Generator,
    path: Path,
    count: int,
    *,
    seed: int,
    start: int,
    progress: Progress,
    truncation: float = 1.0,
    labels: NDArray[np.int64] | None = None,
) -> None:
    """Write all samples as one grid picture.

    Of a class-conditional model whose labels are not chosen, sample i is of class i modulo the number
    of classes, and of up to 32 classes each has columns of its own: what there is to choose from.

    Raises:
        InputError: There are none or over 4,096 of them, or the samples are no pictures.
        MissingExtraError: Pillow is not installed.
        OutputError: The file cannot be written.
    """
    _require_view(generator, PICTURES, path)
    if not 1 <= count <= _MAX_GRID:
        raise InputError(f"a grid shows 1 to {_MAX_GRID} samples, not {count}")
    columns, classes = None, generator.classes
    if classes and labels is None:
        labels = generator.labels(count, seed=seed, start=start, labels="balanced")
        columns = class_columns(count, classes) if start % classes == 0 else None
    samples = generator.sample(count, seed=seed, start=start, labels=labels, truncation=truncation)
    pictures = kind_of(generator.card).pictures(samples)
    scale = max(1, 56 // max(pictures.shape[1:3]))  # small pictures are hard to see on today's screens
    write_bytes(path, encode_png(grid(pictures, columns, scale=scale)))
    progress(count)


def write_table(
    generator: Generator,
    path: Path,
    count: int,
    *,
    seed: int,
    start: int,
    progress: Progress,
    truncation: float = 1.0,
    labels: NDArray[np.int64] | None = None,
) -> None:
    """Write samples as one table, a column a name, in constant memory; the file is whole or not there.
    The class of a class-conditional model's rows is in the last column.

    Raises:
        InputError: The samples have no columns, or the range cannot be addressed.
        MissingExtraError: pyarrow, which Parquet needs, is not installed.
        OutputError: The file cannot be written.
    """
    _require_view(generator, COLUMNS, path)
    format_ = FORMATS.get(path.suffix.removeprefix("."))
    begin = format_.ways[COLUMNS].rows if format_ and COLUMNS in format_.ways else None
    if begin is None:
        raise InputError(f"{path.name} is no table: give NAME.csv or NAME.parquet")
    if labels is None and generator.classes:
        labels = generator.labels(count, seed=seed, start=start)
    done = 0
    with atomic_file(path) as file:
        rows = begin(file, Header(generator))
        while done < count:
            part = slice(done, min(done + _ROWS, count))
            chosen = None if labels is None else labels[part]
            batch = generator.sample(
                part.stop - done, seed=seed, start=start + done, labels=chosen, truncation=truncation
            )
            rows.add(batch, chosen)
            done = part.stop
            progress(done)
        rows.close()


@dataclass(frozen=True)
class Shown:
    """How people look at samples of one view."""

    suffix: str
    """Of the file that shows a few."""
    more: str
    """Of the file that a program reads many from."""
    write: Write
    """Writes the first."""


SHOWN = {PICTURES: Shown(".png", ".npy", write_grid), COLUMNS: Shown(".csv", ".csv", write_table)}
"""By a kind's ``shown_as``."""


def shown_as(card: Card) -> Shown:
    """How people look at a model's samples."""
    return SHOWN[kind_of(card).shown_as]


def _require_view(generator: Generator, view: str, path: Path) -> None:
    """Refuse a file for which the samples are not fit."""
    reason = kind_of(generator.card).lacks(generator.card, view)
    if reason:
        raise InputError(
            f"{path.name} holds {view}, this model {reason}: -o NAME.npy,"
            f" NAME{shown_as(generator.card).suffix} or a directory"
        )
