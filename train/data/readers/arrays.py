"""Read images, vectors and graphs from numpy's files."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.reporter import Reporter

from ..arrays import array_data
from ..dataset import DataError, TrainingData
from ..graphs import graphs_from_array
from ..labels import label_numbers, texts
from ..memory import available_memory
from ..numpy_files import UNREADABLE, map_array
from .reader import Reader, Reading

_SUFFIXES = (".npy", ".npz")
_BESIDE = ("columns", "labels", "class_names", "node_types", "edge_types")
_SAMPLES = ("images", "vectors", "graphs")


class ArrayReader(Reader):
    """Reads ``.npy`` and ``.npz`` files."""

    gives = "a .npy or .npz file"

    def matches(self, source: str) -> bool:
        return Path(source).suffix.lower() in _SUFFIXES and Path(source).is_file()

    def read(self, source: str, how: Reading) -> TrainingData:
        return load_array_file(Path(source), how.reporter)


def load_array_file(path: Path, reporter: Reporter) -> TrainingData:
    """Read ``.npy``, or ``.npz`` with ``images``, ``vectors`` or ``graphs``, and optionally ``labels``.

    The array must be one that `array_data` accepts. A ``.npy`` file is mapped into memory, so it may be
    larger than memory; an ``.npz`` is read completely. It may also have names of ``columns``, ``labels`` as
    `label_numbers` accepts them, and ``class_names``, one text for each class.

    Raises:
        DataError: The file cannot be read, is damaged, or holds something else.
    """
    try:
        # no pickles: one could run code of the file's maker
        if not zipfile.is_zipfile(path):
            array = map_array(path)
            return array_data(array, path.stem, what=str(path), reporter=reporter)
        with np.load(path, allow_pickle=False) as archive:
            return _from_archive(path, archive, reporter)
    except MemoryError as error:
        raise DataError(f"{path} does not fit into memory: use a .npy file, which need not") from error
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:200]
        if "allow_pickle" in reason or "Python objects" in reason:
            reason = "it holds Python objects; save numbers as numbers and texts with dtype=str"
        raise DataError(f"cannot read {path} as numpy data: {reason}") from error


def _from_archive(path: Path, archive: Any, reporter: Reporter) -> TrainingData:
    names = list(archive.keys())
    size = sum(entry.file_size for entry in archive.zip.infolist())
    if size > available_memory():
        raise DataError(
            f"{path} unpacks to {size:,} bytes, which do not fit into memory: use a .npy file, which need not"
        )
    chosen = _samples_of(path, archive)
    passed_over = [name for name in names if name not in (chosen, *_BESIDE)]
    if passed_over:
        reporter.note(
            f"{path}: only {chosen} is read; skipped: {', '.join(passed_over)} (labels are read if they"
            " are called labels)"
        )
    labels, found_names = (
        label_numbers(_array(path, archive, "labels"), str(path)) if "labels" in names else (None, ())
    )
    class_names = _texts(path, archive, "class_names") or found_names
    if chosen == "graphs":
        return graphs_from_array(
            _array(path, archive, chosen),
            path.stem,
            node_types=_texts(path, archive, "node_types"),
            edge_types=_texts(path, archive, "edge_types"),
            labels=labels,
            class_names=class_names,
        )
    return array_data(
        _array(path, archive, chosen),
        path.stem,
        what=f"{path}: {chosen}",
        kind="vectors" if chosen == "vectors" else "images",
        columns=_texts(path, archive, "columns"),
        labels=labels,
        class_names=class_names,
        reporter=reporter,
    )


def _samples_of(path: Path, archive: Any) -> str:
    """Return the name of the array of samples."""
    names: list[str] = list(archive.keys())
    found = [name for name in names if name in _SAMPLES] or [
        name for name in names if _array(path, archive, name).ndim in (3, 4)
    ]
    if len(found) != 1:
        raise DataError(
            f"{path} must hold one array named images, vectors or graphs; it has:"
            f" {', '.join(names) or 'none'}"
        )
    return found[0]


def _texts(path: Path, archive: Any, name: str) -> tuple[str, ...]:
    return tuple(texts(_array(path, archive, name), f"{path}: {name}").tolist()) if name in archive else ()


def _array(path: Path, archive: Any, name: str) -> NDArray[Any]:
    """Return one array of the archive. numpy returns an entry that is not an array as bytes."""
    array = archive[name]
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: {name} is not a numpy array")
    return array
