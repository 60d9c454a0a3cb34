"""IDX files, the format of MNIST and its successors (http://yann.lecun.com/exdb/mnist/)."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset import DataError, ImageData
from .reader import Reader, Reading

_UNSIGNED_BYTE = 0x08


class IdxReader(Reader):
    """Reads a folder of IDX files."""

    gives = "a folder of IDX files"

    def matches(self, source: str) -> bool:
        return Path(source).is_dir() and has_idx_files(Path(source))

    def read(self, source: str, how: Reading) -> ImageData:
        return load_idx_directory(Path(source))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, gzip-compressed or not.

    Returns:
        uint8 array of the file's own shape, read-only.

    Raises:
        DataError: The file cannot be read, is damaged, or holds another type.
    """
    content = read_payload(path)
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError(f"{path} is not an IDX file")
    kind, dimensions = content[2], content[3]
    if kind != _UNSIGNED_BYTE:
        raise DataError(f"{path} holds IDX type 0x{kind:02x}, only unsigned bytes (0x08) are images")
    header = 4 + 4 * dimensions
    if dimensions == 0 or len(content) < header:
        raise DataError(f"{path} is cut off in its header")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    if len(content) - header != math.prod(shape):
        raise DataError(
            f"{path} should hold {math.prod(shape)} bytes of shape {list(shape)},"
            f" it holds {len(content) - header}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def read_payload(path: Path) -> bytes:
    """The file's bytes, unpacked if it is gzip-compressed.

    Raises:
        DataError: The file cannot be read or is damaged.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def has_idx_files(folder: Path) -> bool:
    """Whether a folder holds IDX files of images."""
    return any("idx3" in path.name or "idx4" in path.name for path in folder.iterdir() if path.is_file())


def load_idx_directory(folder: Path) -> ImageData:
    """Read the images, and the labels where there are some, from a folder of IDX files.

    A file whose name holds ``idx3`` (grey) or ``idx4`` (colour) has the images, ``idx1`` the
    labels. Where there are several of a kind, as in MNIST's own folder, those whose names begin
    with ``train`` are taken.

    Raises:
        DataError: No or several candidates, a damaged file, or labels that do not fit the images.
    """
    images = read_idx(_the_one(folder, ("idx3", "idx4"), "images"))
    if images.ndim == 3:
        images = images[..., np.newaxis]
    label_files = [path for path in folder.iterdir() if "idx1" in path.name]
    labels = None
    if label_files:
        labels = read_idx(_the_one(folder, ("idx1",), "labels")).astype(np.int64)
    return ImageData(images, folder.resolve().name, labels)


def _the_one(folder: Path, marks: tuple[str, ...], what: str) -> Path:
    found = sorted(path for path in folder.iterdir() if any(mark in path.name for mark in marks))
    if len(found) > 1:
        found = [path for path in found if path.name.startswith("train")] or found
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataError(f"{folder} has no IDX file of {what} (a name with {' or '.join(marks)} in it)")
    raise DataError(f"{folder} has several IDX files of {what}: {', '.join(path.name for path in found)}")
