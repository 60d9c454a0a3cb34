"""A shard that is a folder of pictures."""

import hashlib
import os

import numpy as np
from numpy.typing import NDArray

from ...kind import PICTURES
from ..files import Written, folder_line
from ..format import Format, NewShard, Way
from ..png_encoder import PngEncoder
from ..side import write_side

_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)  # never inherited by a program


class PngFolder:
    """A folder of ``INDEX.png``, with labels in ``NAME.labels.npy`` in the order of the file names."""

    def __init__(self, new: NewShard) -> None:
        path = self._path = new.path
        self._encoder = PngEncoder(new.shape)
        self._lines: list[bytes] = []
        self._labels: list[NDArray[np.int64]] = []
        self._size = 0
        path.mkdir()
        # Where the system can, files are opened relative to the folder: nobody looks its path up again.
        self._folder = os.open(path, os.O_RDONLY) if os.open in os.supports_dir_fd else None

    def add(
        self, indices: NDArray[np.int64], samples: NDArray[np.uint8], labels: NDArray[np.int64] | None
    ) -> None:
        """Append samples."""
        if labels is not None:
            self._labels.append(labels)
        for index, data in zip(indices.tolist(), self._encoder.encode(samples), strict=True):
            name = f"{index:012d}.png"
            self._write(name, data)
            self._size += len(data)
            self._lines.append(folder_line(name, hashlib.sha256(data).hexdigest()))

    def finish(self, name: str) -> list[Written]:
        """Complete the folder and return it."""
        digest = hashlib.sha256(b"".join(self._lines)).hexdigest()
        sides = write_side(self._path, name, "labels", self._labels) if self._labels else []
        return [Written(self._path, name, self._size, digest), *sides]

    def close(self) -> None:
        """Close the folder's descriptor."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _write(self, name: str, data: bytes) -> None:
        """Write a new file by system calls: Python's file objects cost as much as the kernel's work."""
        path = name if self._folder is not None else str(self._path / name)
        file = os.open(path, _NEW, 0o666, dir_fd=self._folder)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
        finally:
            os.close(file)


FORMAT = Format("png", "", {PICTURES: Way(PngFolder, ("deflate",))}, shard_samples=4096)
