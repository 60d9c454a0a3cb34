"""A growing file of decoded pictures."""

from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .dataset import SizeNeededError
from .options import MAX_SIDE, MIN_SIDE

_COPIED = 64 * 2**20  # bytes at a time


class Rows:
    """A growing ``.npy`` file, whose header gets the number of rows at the end."""

    def __init__(self, source: str, file: BinaryIO, *, undecided: bool) -> None:
        self.count = 0
        self._source, self._file = source, file
        self._all_grey = undecided  # until a picture shows the contrary
        self._first = ""
        self._shape: tuple[int, ...] = ()

    def add(self, name: str, pixels: NDArray[np.uint8]) -> None:
        """Append a picture, uint8 [height, width, channels].

        Raises:
            SizeNeededError: Its size differs from that of the first, or cannot be trained on.
        """
        if not self._shape:
            self._begin(name, pixels.shape)
        if pixels.shape != self._shape:
            (h, w, _), (height, width, _) = self._shape, pixels.shape
            raise SizeNeededError(
                f"{self._source}: the images differ in size ({self._first} is {w}x{h}, {name} is"
                f" {width}x{height}): --size S cuts squares and resizes them to S pixels"
            )
        if self._all_grey:
            self._all_grey = bool((pixels[..., :1] == pixels[..., 1:]).all())
        self._file.write(np.ascontiguousarray(pixels).data)
        self.count += 1

    def finish(self) -> None:
        """Keep one channel if all pictures are grey and the choice was open, then write the header."""
        height, width, channels = self._shape
        if self._all_grey:
            self._to_one_channel()
            channels = 1
        self._file.truncate(self._offset + self.count * height * width * channels)
        self._file.seek(0)
        self._write_header((self.count, height, width, channels))

    def _begin(self, name: str, shape: tuple[int, ...]) -> None:
        height, width, _ = shape
        if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
            raise SizeNeededError(
                f"{self._source}: {name} is {width}x{height} pixels, images must be {MIN_SIDE} to {MAX_SIDE}"
                " high and wide: --size S cuts squares and resizes them to S pixels"
            )
        self._first, self._shape = name, shape
        self._write_header((0, *shape))
        self._offset = self._file.tell()

    def _write_header(self, shape: tuple[int, ...]) -> None:
        """Write the header. numpy reserves space for the first number, so its length does not change."""
        npy.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})

    def _to_one_channel(self) -> None:
        """Convert in place. Writing never overtakes reading."""
        read = write = self._offset
        end = self._offset + self.count * int(np.prod(self._shape))
        while read < end:
            self._file.seek(read)
            part = self._file.read(min(_COPIED // 3 * 3, end - read))
            self._file.seek(write)
            self._file.write(np.frombuffer(part, np.uint8)[::3].tobytes())
            read, write = read + len(part), write + len(part) // 3
