"""A shard that is one ``.npy`` array."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kind import ARRAY
from ..files import HashingFile, Written, size_and_digest
from ..format import Format, NewShard, Way
from ..side import npy_header, write_side


class NpyShard:
    """The samples as one array, with their labels, if any, in ``NAME.labels.npy``.

    With a filter, the array's length is known only at the end. The header has space for any length and is
    then rewritten, and a second file ``NAME.indices.npy`` holds the indices of the samples.
    """

    def __init__(self, new: NewShard) -> None:
        self._shape, self._dtype, self._filtered = new.shape, np.dtype(new.dtype), new.filtered
        self._indices: list[NDArray[np.int64]] = []
        self._labels: list[NDArray[np.int64]] = []
        self._path = new.path
        self._file = HashingFile(new.path, new.file)
        self._file.write(npy_header((new.count, *new.shape), self._dtype))

    def add(
        self, indices: NDArray[np.int64], samples: NDArray[Any], labels: NDArray[np.int64] | None
    ) -> None:
        """Append samples."""
        self._file.write(samples.data)
        if self._filtered:
            self._indices.append(indices)
        if labels is not None:
            self._labels.append(labels)

    def finish(self, name: str) -> list[Written]:
        """Complete the file, and with a filter the file of indices, and return them."""
        written = self._file.written(name)
        sides = write_side(self._path, name, "labels", self._labels) if self._labels else []
        if not self._filtered:
            return [written, *sides]
        count = sum(map(len, self._indices))
        with self._path.open("r+b") as file:
            file.write(npy_header((count, *self._shape), self._dtype))
        size, digest = size_and_digest(self._path)
        sides += write_side(self._path, name, "indices", self._indices)
        return [Written(self._path, name, size, digest), *sides]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


FORMAT = Format("npy", ".npy", {ARRAY: Way(NpyShard)})
