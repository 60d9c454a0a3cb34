"""A shard that is one ``.npy`` array."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import HashingFile, Written, size_and_digest


class NpyShard:
    """The samples as one array.

    Behind a filter the array's length is known only at the end: the header, which has room for any
    length, is then written again, and a second file ``NAME.indices.npy`` holds the samples' indices.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str, count: int, *, filtered: bool) -> None:
        self._shape, self._dtype, self._filtered = shape, np.dtype(dtype), filtered
        self._indices: list[NDArray[np.int64]] = []
        self._path = path
        self._file = HashingFile(path)
        self._file.write(_header((count, *shape), self._dtype))

    def add(self, indices: NDArray[np.int64], images: NDArray[Any]) -> None:
        """Append samples."""
        self._file.write(images.data)
        if self._filtered:
            self._indices.append(indices)

    def finish(self, name: str) -> list[Written]:
        """The complete file, and behind a filter the one of indices."""
        written = self._file.written(name)
        if not self._filtered:
            return [written]
        indices = np.concatenate(self._indices) if self._indices else np.empty(0, dtype=np.int64)
        with self._path.open("r+b") as file:
            file.write(_header((len(indices), *self._shape), self._dtype))
        size, digest = size_and_digest(self._path)
        side_name = f"{Path(name).stem}.indices.npy"
        side = HashingFile(self._path.with_name(self._path.name.replace(name, side_name, 1)))
        side.write(_header(indices.shape, indices.dtype) + indices.tobytes())
        return [Written(self._path, name, size, digest), side.written(side_name)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()
