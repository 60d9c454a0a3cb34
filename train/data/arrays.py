"""Images in numpy's own files."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dataset import DataError, ImageData


def load_array_file(path: Path) -> ImageData:
    """Read ``.npy`` images, or ``.npz`` with ``images`` and, if there are some, ``labels``.

    Images are uint8 of shape [n, height, width] or [n, height, width, channels]. A ``.npy`` file is
    mapped into memory, so that it may be larger; an ``.npz`` is read whole. Labels are whole
    numbers; ``class_names`` in the ``.npz``, an array of texts, has one name for each.

    Raises:
        DataError: The file cannot be read, is damaged, or holds something else.
    """
    try:
        # no pickles: one could run code of the file's maker
        content = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return ImageData(_as_images(path, content), path.stem)
        with content:
            return _from_archive(path, content)
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory: a .npy file need not") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, OSError) as error:
        raise DataError(f"cannot read {path} as numpy data: {error}") from error


def _from_archive(path: Path, archive: Any) -> ImageData:
    names = list(archive.keys())
    candidates = [name for name in names if name == "images"] or [
        name for name in names if archive[name].ndim in (3, 4)
    ]
    if len(candidates) != 1:
        raise DataError(f"{path} must hold one array of images, named images; it has: {', '.join(names)}")
    labels = None
    class_names: tuple[str, ...] = ()
    if "labels" in names:
        labels = archive["labels"]
        if labels.dtype.kind not in "iu":
            raise DataError(f"{path}: labels must be whole numbers, not {labels.dtype}")
        labels = labels.astype(np.int64)
        if "class_names" in names:
            class_names = tuple(str(name) for name in archive["class_names"].ravel())
    return ImageData(_as_images(path, archive[candidates[0]]), path.stem, labels, class_names)


def _as_images(path: Path, array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype != np.uint8 or array.ndim not in (3, 4):
        raise DataError(
            f"{path} must hold uint8 images of shape [n, height, width] or"
            f" [n, height, width, channels], not {array.dtype} of shape {list(array.shape)}"
        )
    return np.ascontiguousarray(array if array.ndim == 4 else array[..., np.newaxis])
