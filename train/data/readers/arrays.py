"""Images and vectors in numpy's own files."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dataset import DataError, ImageData
from ..vectors import VectorData
from .reader import Reader, Reading, TrainingData

_SUFFIXES = (".npy", ".npz")


class ArrayReader(Reader):
    """Reads ``.npy`` and ``.npz`` files."""

    gives = "a .npy or .npz file"

    def matches(self, source: str) -> bool:
        return Path(source).suffix.lower() in _SUFFIXES and Path(source).is_file()

    def read(self, source: str, how: Reading) -> TrainingData:
        return load_array_file(Path(source))


def load_array_file(path: Path) -> TrainingData:
    """Read ``.npy``, or ``.npz`` with ``images`` or ``vectors`` and, if there are some, ``labels``.

    Images are uint8 of shape [n, height, width] or [n, height, width, channels], vectors floats or
    whole numbers of shape [n, columns], of which an ``.npz`` may have the names as ``columns``. A
    ``.npy`` file is mapped into memory, so that it may be larger; an ``.npz`` is read whole. Labels
    are whole numbers; ``class_names`` in the ``.npz``, an array of texts, has one name for each.

    Raises:
        DataError: The file cannot be read, is damaged, or holds something else.
    """
    try:
        # no pickles: one could run code of the file's maker
        content = np.load(path, mmap_mode="r" if path.suffix.lower() == ".npy" else None, allow_pickle=False)
        if isinstance(content, np.ndarray):
            if _are_vectors(content):
                return VectorData(_as_vectors(content), path.stem)
            return ImageData(_as_images(path, content), path.stem)
        with content:
            return _from_archive(path, content)
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory: a .npy file need not") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, OSError) as error:
        raise DataError(f"cannot read {path} as numpy data: {error}") from error


def _from_archive(path: Path, archive: Any) -> TrainingData:
    names = list(archive.keys())
    candidates = [name for name in names if name in ("images", "vectors")] or [
        name for name in names if archive[name].ndim in (3, 4)
    ]
    if len(candidates) != 1:
        raise DataError(
            f"{path} must hold one array named images or vectors; it has: {', '.join(names) or 'none'}"
        )
    labels = None
    class_names: tuple[str, ...] = ()
    if "labels" in names:
        labels = archive["labels"]
        if labels.dtype.kind not in "iu":
            raise DataError(f"{path}: labels must be whole numbers, not {labels.dtype}")
        labels = labels.astype(np.int64)
        class_names = _texts(archive, "class_names")
    array = archive[candidates[0]]
    if candidates[0] != "vectors":
        return ImageData(_as_images(path, array), path.stem, labels, class_names)
    if not _are_vectors(array):
        raise DataError(
            f"{path}: vectors must be numbers of shape [n, columns], not {array.dtype} of shape"
            f" {list(array.shape)}"
        )
    return VectorData(_as_vectors(array), path.stem, _texts(archive, "columns"), labels, class_names)


def _texts(archive: Any, name: str) -> tuple[str, ...]:
    return tuple(str(text) for text in archive[name].ravel()) if name in archive else ()


def _are_vectors(array: NDArray[Any]) -> bool:
    """Rows of numbers; bytes in rows are taken for images that somebody flattened."""
    return array.ndim == 2 and array.dtype.kind in "fiu" and array.dtype != np.uint8


def _as_vectors(array: NDArray[Any]) -> NDArray[np.floating]:
    """float64 and float32 as they are, so that a mapped file stays one; anything else as float32."""
    kept = array.dtype in (np.float32, np.float64)
    return np.ascontiguousarray(array if kept else array.astype(np.float32))


def _as_images(path: Path, array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype != np.uint8 or array.ndim not in (3, 4):
        raise DataError(
            f"{path} must hold uint8 images of shape [n, height, width] or [n, height, width, channels], or"
            f" floats [n, columns], not {array.dtype} of shape {list(array.shape)}"
        )
    return np.ascontiguousarray(array if array.ndim == 4 else array[..., np.newaxis])
