"""Read a folder of pictures, with or without one subfolder per class."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset import DataError, ImageData
from ..decode import Named, decode_pictures
from ..parts import Part, natural_key, part_of_folder
from ..passed_over import counted, is_hidden, kind_of
from ..picture import SUFFIXES
from .reader import Reader, Reading

_CHUNK = 32


class FolderReader(Reader):
    """Reads a folder of pictures, with or without one subfolder per class."""

    gives = "a folder of pictures"

    def matches(self, source: str) -> bool:
        return Path(source).is_dir()

    def read(self, source: str, how: Reading) -> ImageData:
        pictures = FolderPictures(Path(source))
        for remark in pictures.remarks:
            how.reporter.note(remark)
        return decode_pictures(pictures, how.options, how.reporter)

    def holds_pictures(self, source: str) -> bool:
        return True


class FolderPictures:
    """All pictures below a folder, in the order of their names.

    If every picture is in a subfolder and there are at least two of these, each subfolder is a class. Classes
    are numbered in natural order of the names. Subfolders ``train`` and ``val`` or ``test`` are parts of the
    set, of which ``train`` is read. Hidden files and folders and ``__MACOSX`` are ignored. Other ignored
    files are listed in ``remarks``.

    Attributes:
        name: The folder's name.
        labels: int64 [n], or None if there are no classes.
        class_names: Names of the subfolders, or empty.
        remarks: Messages to the user about how the folder was interpreted.
    """

    def __init__(self, folder: Path) -> None:
        """Scan the folder.

        Raises:
            DataError: It has no pictures, a part of it cannot be read, or it has parts of a set but no
                training part.
        """
        self.name = folder.resolve().name
        self.remarks: list[str] = []
        found, passed_over = _walk(folder)
        if not found:
            has = f"; it has {counted(passed_over)}" if passed_over else ""
            kinds = ", ".join(sorted(SUFFIXES))
            raise DataError(f"{folder} has no pictures ({kinds}) and no IDX or Parquet files{has}")
        if passed_over:
            self.remarks.append(f"{self.name}: skipped files that are not pictures: {counted(passed_over)}")
        self._folder = folder
        paths = [path.split("/") for path in sorted(found)]
        paths, depth = self._training_part(paths)
        self._files = ["/".join(path) for path in paths]
        inner = [path[depth:] for path in paths]
        classes = {path[0] for path in inner} if all(len(path) > 1 for path in inner) else set()
        self.class_names = tuple(sorted(classes, key=natural_key)) if len(classes) > 1 else ()
        self.labels: NDArray[np.int64] | None = None
        if self.class_names:
            numbers = {name: number for number, name in enumerate(self.class_names)}
            self.labels = np.array([numbers[path[0]] for path in inner], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._files)

    def chunks(self) -> Iterator[list[Named]]:
        for start in range(0, len(self._files), _CHUNK):
            yield [(file, self._folder / file) for file in self._files[start : start + _CHUNK]]

    def _training_part(self, paths: list[list[str]]) -> tuple[list[list[str]], int]:
        """Return the pictures to read, and the number of folders above their classes.

        A single folder that holds all others, as in many archives, is skipped.
        """
        depth = 0
        while True:
            tops = {path[depth] for path in paths if len(path) > depth + 1}
            if len(tops) != 1 or any(len(path) == depth + 1 for path in paths):
                break
            depth += 1
        parts = {top: part_of_folder(top) for top in tops}
        training = [top for top, part in parts.items() if part is Part.TRAIN]
        if len(tops) > 1 and all(parts.values()):
            names = ", ".join(sorted(tops))
            if len(training) != 1 or any(len(path) == depth + 1 for path in paths):
                raise DataError(
                    f"{self.name} has the folders {names}, which are parts of a set, not classes: name the"
                    " one to train on"
                )
            others = ", ".join(sorted(tops - set(training)))
            self.remarks.append(
                f"{self.name}: pictures are those of {training[0]}, a part of the set; skipped: {others}"
            )
            taken = [path for path in paths if path[depth] == training[0]]
            return self._training_part(taken)
        inside = {part_of_folder(path[depth + 1]) if len(path) > depth + 2 else None for path in paths}
        if inside == {Part.TRAIN, Part.HELD_OUT}:
            raise DataError(
                f"{self.name} has a training and a test part in each folder: move the training parts to"
                " a folder of their own"
            )
        return paths, depth


def _walk(folder: Path) -> tuple[list[str], list[str]]:
    """Return the paths of all pictures below the folder, and the kind of each other file."""
    pictures: list[str] = []
    passed_over: list[str] = []
    seen: set[tuple[int, int]] = set()  # a link to a folder above would never end

    def refuse(error: OSError) -> None:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error

    for place, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        here = Path(place)
        state = here.stat()
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            passed_over.append("links to folders that are read already")
            continue
        seen.add((state.st_dev, state.st_ino))
        folders[:] = [name for name in folders if not is_hidden(name)]
        folders.sort(
            key=lambda name: ((here / name).is_symlink(), name)
        )  # a folder itself before links to it
        for path in (here / name for name in files if not is_hidden(name)):
            if (kind := kind_of(path)) in SUFFIXES:
                pictures.append(path.relative_to(folder).as_posix())
            else:
                passed_over.append(kind)
    return pictures, passed_over
