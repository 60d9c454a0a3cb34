"""A folder of pictures, with or without a subfolder a class."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset import DataError, ImageData
from ..decode import Named, decode_pictures
from ..picture import SUFFIXES
from .reader import Reader, Reading

_CHUNK = 32


class FolderReader(Reader):
    """Reads a folder of pictures, with or without a subfolder a class."""

    gives = "a folder of pictures"

    def matches(self, source: str) -> bool:
        return Path(source).is_dir()

    def read(self, source: str, how: Reading) -> ImageData:
        return decode_pictures(FolderPictures(Path(source)), how.options, how.watch)

    def holds_pictures(self, source: str) -> bool:
        return True


@dataclass(frozen=True)
class _File:
    path: Path
    relative: str
    size: int
    modified: int


class FolderPictures:
    """All pictures below a folder, in the order of their names.

    Where every picture lies in a subfolder and there are two of these or more, each subfolder is a
    class, named and numbered in the order of the names. Hidden files and folders, ``__MACOSX`` and
    files of other kinds are passed over.

    Attributes:
        name: The folder's name.
        labels: int64 [n], or None where there are no classes.
        class_names: Names of the subfolders, or empty.
    """

    def __init__(self, folder: Path) -> None:
        """Look at the folder.

        Raises:
            DataError: There is no picture in it, or a part of it cannot be read.
        """
        self.name = folder.resolve().name
        self._files = sorted(_pictures(folder), key=lambda file: file.relative)
        if not self._files:
            kinds = ", ".join(sorted(SUFFIXES))
            raise DataError(f"{folder} holds no pictures ({kinds}) and no IDX or Parquet files")
        parts = [file.relative.split("/") for file in self._files]
        tops = sorted({part[0] for part in parts}) if all(len(part) > 1 for part in parts) else []
        self.class_names = tuple(tops) if len(tops) > 1 else ()
        self.labels: NDArray[np.int64] | None = None
        if self.class_names:
            numbers = {name: number for number, name in enumerate(self.class_names)}
            self.labels = np.array([numbers[part[0]] for part in parts], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._files)

    def chunks(self) -> Iterator[list[Named]]:
        for start in range(0, len(self._files), _CHUNK):
            yield [(file.relative, file.path) for file in self._files[start : start + _CHUNK]]


def _pictures(folder: Path) -> Iterator[_File]:
    seen: set[tuple[int, int]] = set()  # a link to a folder above would never end

    def refuse(error: OSError) -> None:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error

    for place, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        here = Path(place)
        state = here.stat()
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in files:
            path = here / name
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and path.is_file():
                about = path.stat()
                yield _File(path, path.relative_to(folder).as_posix(), about.st_size, about.st_mtime_ns)
