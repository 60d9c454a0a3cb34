"""Read IDX files, the format of MNIST and its successors (http://yann.lecun.com/exdb/mnist/)."""

import gzip
import io
import math
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.reporter import Reporter

from ..dataset import DataError, ImageData
from ..memory import available_memory
from ..parts import Part, part_of_file
from ..passed_over import others_in
from ..picture import open_file
from .reader import Reader, Reading

_UNSIGNED_BYTE = 0x08
_PACKED = b"\x1f\x8b"
_IMAGES, _LABELS = ("idx3", "idx4"), ("idx1",)
_USUAL_NAME = re.compile(r"idx[134]-ubyte(\.gz)?$", re.IGNORECASE)


class IdxReader(Reader):
    """Reads a folder of IDX files."""

    gives = "a folder of IDX files"

    def matches(self, source: str) -> bool:
        return Path(source).is_dir() and bool(_files(Path(source), _IMAGES))

    def read(self, source: str, how: Reading) -> ImageData:
        return load_idx_directory(Path(source), how.reporter)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, gzip-compressed or not.

    Returns:
        uint8 array of the file's own shape, read-only.

    Raises:
        DataError: The file cannot be read, is damaged, or holds another type.
    """
    with _unpacked(path) as file:
        mark = file.read(4)
        if len(mark) < 4 or mark[:2] != b"\0\0":
            raise DataError(f"{path} is not an IDX file")
        kind, dimensions = mark[2], mark[3]
        if kind != _UNSIGNED_BYTE:
            raise DataError(f"{path} holds IDX type 0x{kind:02x}, only unsigned bytes (0x08) are images")
        header = file.read(4 * dimensions)
        if dimensions == 0 or len(header) < 4 * dimensions:
            raise DataError(f"{path} is cut off in its header")
        shape = tuple(int(size) for size in np.frombuffer(header, ">u4"))
        size = math.prod(shape)
        if size > available_memory():
            raise DataError(f"{path} declares {size:,} bytes, more than the free memory")
        content = file.read(size + 1)
    if len(content) != size:
        holds = f"{len(content)}" if len(content) < size else "more"
        raise DataError(f"{path} should hold {size} bytes of shape {list(shape)}, but holds {holds}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_payload(path: Path) -> bytes:
    """Return the file's bytes, decompressed if it is gzip-compressed.

    Raises:
        DataError: The file cannot be read or is damaged.
    """
    with _unpacked(path) as file:
        return file.read()


def load_idx_directory(folder: Path, reporter: Reporter) -> ImageData:
    """Read the images, and the labels if there are any, from a folder of IDX files.

    The images are in the file with ``idx3`` (grey) or ``idx4`` (colour) in its name. The labels are in the
    file that has ``idx1`` and ``labels`` instead. If there are several sets, as in MNIST's own folder, the
    one with ``train`` in its name is read, and the others are reported.

    Raises:
        DataError: There are no or several candidates, a file is damaged or differs from its compressed
            copy, or labels do not fit the images.
    """
    images_of, labels_of = _files(folder, _IMAGES), _files(folder, _LABELS)
    name = _chosen(folder, list(images_of))
    images = _read(images_of[name])
    wanted = re.sub("idx[34]", "idx1", name).replace("images", "labels")
    if wanted not in labels_of and len(images_of) == len(labels_of) == 1:
        [wanted] = labels_of
        if part_of_file(wanted) not in (part_of_file(name), None):
            wanted = ""
    labels = _read(labels_of[wanted]).astype(np.int64) if wanted in labels_of else None
    others = [other for other in (*images_of, *labels_of) if other not in (name, wanted)]
    if others:
        reporter.note(f"{folder}: images are those of {name}; skipped: {', '.join(others)}")
    files = [path for copies in (*images_of.values(), *labels_of.values()) for path in copies]
    if beside := others_in(folder, files):
        reporter.note(f"{folder}: skipped files that are not IDX: {beside}")
    return ImageData(images if images.ndim == 4 else images[..., np.newaxis], folder.resolve().name, labels)


def _files(folder: Path, marks: tuple[str, ...]) -> dict[str, list[Path]]:
    """Return the IDX files with one of the marks in their names, by lower-case name.

    A file and its compressed copy have the same name.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if path.name[0] != "." and any(mark in name for mark in marks) and path.is_file() and _is_idx(path):
            found.setdefault(name.removesuffix(".gz"), []).append(path)
    return found


def _is_idx(path: Path) -> bool:
    """Return True for an IDX file by its first bytes, or for a damaged one by its name."""
    if _USUAL_NAME.search(path.name):
        return True
    try:
        with _unpacked(path) as file:
            return file.read(3) == bytes([0, 0, _UNSIGNED_BYTE])
    except DataError:
        return False


def _chosen(folder: Path, names: list[str]) -> str:
    training = [name for name in names if part_of_file(name) is Part.TRAIN]
    found = training if len(names) > 1 and training else names
    if len(found) > 1:
        raise DataError(f"{folder} has more than one IDX file of images, keep one: {', '.join(found)}")
    return found[0]


def _read(copies: list[Path]) -> NDArray[np.uint8]:
    """Return the array of a file, which its compressed copy must equal."""
    first, *others = (read_idx(path) for path in copies)
    if not all(np.array_equal(first, other) for other in others):
        raise DataError(f"{' and '.join(str(path) for path in copies)} differ: remove the outdated one")
    return first


@contextmanager
def _unpacked(path: Path) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    try:
        with open_file(path) as file:
            packed = file.read(2) == _PACKED
            file.seek(0)
            yield gzip.GzipFile(fileobj=file) if packed else file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
