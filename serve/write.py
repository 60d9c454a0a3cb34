"""Samples into files: one array, a folder of pictures, or one grid."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from .atomic import atomic_file, write_bytes
from .errors import InputError, OutputError
from .generator import Generator
from .pictures import encode_png, grid

Progress = Callable[[int], None]
"""Called with the number of samples written so far."""

_BATCH = 1024
_MAX_GRID = 4096


def write_npy(
    generator: Generator, path: Path, count: int, *, seed: int, start: int, progress: Progress
) -> None:
    """Write samples as one ``.npy`` array, in constant memory; the file is whole or not there.

    Raises:
        InputError: The range cannot be addressed.
        OutputError: The file cannot be written.
    """
    batches = generator.stream(count, seed=seed, start=start, batch_size=_BATCH)
    kind = generator.latents(0).dtype if generator.card.export.output == "float" else np.dtype(np.uint8)
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


def write_png_folder(
    generator: Generator, folder: Path, count: int, *, seed: int, start: int, progress: Progress
) -> None:
    """Write each sample as ``INDEX.png``; every file there is whole.

    Raises:
        InputError: The range cannot be addressed, or the file gives no pixels.
        MissingExtraError: Pillow is not installed.
        OutputError: A file cannot be written, or ``folder`` is a file.
    """
    _require_pixels(generator)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file: pictures go into a directory")
    index = start
    for batch in generator.stream(count, seed=seed, start=start):
        for image in batch:
            write_bytes(folder / f"{index:09d}.png", encode_png(image))
            index += 1
        progress(index - start)


def write_grid(
    generator: Generator, path: Path, count: int, *, seed: int, start: int, progress: Progress
) -> None:
    """Write all samples as one grid picture.

    Raises:
        InputError: There are none or over 4,096 of them, or the file gives no pixels.
        MissingExtraError: Pillow is not installed.
        OutputError: The file cannot be written.
    """
    _require_pixels(generator)
    if not 1 <= count <= _MAX_GRID:
        raise InputError(f"a grid shows 1 to {_MAX_GRID} samples, not {count}")
    images = generator.sample(count, seed=seed, start=start)
    scale = max(1, 56 // max(images.shape[1:3]))  # small images are hard to see on today's screens
    write_bytes(path, encode_png(grid(images, scale=scale)))
    progress(count)


def _require_pixels(generator: Generator) -> None:
    if generator.card.export.output != "pixels":
        raise InputError("this model gives floats: pictures need one exported with --output pixels")
