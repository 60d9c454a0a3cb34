"""A shard that is one ``.npy`` array."""

import io
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import HashingFile, Written, size_and_digest


class NpyShard:
    """The samples as one array; their labels, if they have any, in ``NAME.labels.npy``.

    Behind a filter the array's length is known only at the end: the header, which has room for any
    length, is then written again, and a second file ``NAME.indices.npy`` holds the samples' indices.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str, count: int, *, filtered: bool) -> None:
        self._shape, self._dtype, self._filtered = shape, np.dtype(dtype), filtered
        self._indices: list[NDArray[np.int64]] = []
        self._labels: list[NDArray[np.int64]] = []
        self._path = path
        self._file = HashingFile(path)
        self._file.write(_header((count, *shape), self._dtype))

    def add(self, indices: NDArray[np.int64], images: NDArray[Any], labels: NDArray[np.int64] | None) -> None:
        """Append samples."""
        self._file.write(images.data)
        if self._filtered:
            self._indices.append(indices)
        if labels is not None:
            self._labels.append(labels)

    def finish(self, name: str) -> list[Written]:
        """The complete file, and behind a filter the one of indices."""
        written = self._file.written(name)
        sides = write_side(self._path, name, "labels", self._labels) if self._labels else []
        if not self._filtered:
            return [written, *sides]
        count = sum(map(len, self._indices))
        with self._path.open("r+b") as file:
            file.write(_header((count, *self._shape), self._dtype))
        size, digest = size_and_digest(self._path)
        sides += write_side(self._path, name, "indices", self._indices)
        return [Written(self._path, name, size, digest), *sides]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_side(path: Path, name: str, kind: str, parts: list[NDArray[np.int64]]) -> list[Written]:
    """A file ``NAME.kind.npy`` of numbers beside the output ``name``, whose temporary path is ``path``."""
    values = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
    side_name = f"{Path(name).stem}.{kind}.npy"
    side = HashingFile(path.with_name(path.name.replace(name, side_name, 1)))
    with closing(side):
        side.write(_header(values.shape, values.dtype) + values.tobytes())
        return [side.written(side_name)]


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()
