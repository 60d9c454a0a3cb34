"""A few samples into one file: an array, or a grid to look at. Shards are `dropgan.serve.batch`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from .atomic import atomic_file, write_bytes
from .errors import InputError
from .generator import Generator
from .pictures import class_columns, encode_png, grid

Progress = Callable[[int], None]
"""Called with the number of samples written so far."""

_BATCH = 1024
_MAX_GRID = 4096


def write_npy(
    generator: Generator,
    path: Path,
    count: int,
    *,
    seed: int,
    start: int,
    progress: Progress,
    truncation: float = 1.0,
    labels: ArrayLike | None = None,
) -> None:
    """Write samples as one ``.npy`` array, in constant memory; the file is whole or not there.

    Raises:
        InputError: The range cannot be addressed.
        OutputError: The file cannot be written.
    """
    batches = generator.stream(
        count, seed=seed, start=start, labels=labels, batch_size=_BATCH, truncation=truncation
    )
    kind = np.dtype(np.uint8 if generator.card.export.output == "pixels" else np.float32)
    header = {
        "descr": np.lib.format.dtype_to_descr(kind),
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
    labels: ArrayLike | None = None,
) -> None:
    """Write all samples as one grid picture.

    Of a class-conditional model whose labels are not chosen, sample i is of class i modulo the number
    of classes, and of up to 32 classes each has columns of its own: what there is to choose from.

    Raises:
        InputError: There are none or over 4,096 of them, or the file gives no pixels.
        MissingExtraError: Pillow is not installed.
        OutputError: The file cannot be written.
    """
    if generator.card.data.kind == "vectors":
        raise InputError("this model makes vectors, which are no pictures: -o NAME.npy or NAME.csv")
    if generator.card.export.output != "pixels":
        raise InputError("this model gives floats: pictures need one exported with --output pixels")
    if not 1 <= count <= _MAX_GRID:
        raise InputError(f"a grid shows 1 to {_MAX_GRID} samples, not {count}")
    columns, classes = None, generator.classes
    if classes and labels is None:
        labels = np.arange(start, start + count, dtype=np.int64) % classes
        columns = class_columns(count, classes) if start % classes == 0 else None
    images = generator.sample(count, seed=seed, start=start, labels=labels, truncation=truncation)
    scale = max(1, 56 // max(images.shape[1:3]))  # small images are hard to see on today's screens
    write_bytes(path, encode_png(grid(images, columns, scale=scale)))
    progress(count)
