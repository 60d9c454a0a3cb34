"""A shard in the WebDataset layout: a tar file with ``INDEX.png`` and ``INDEX.json`` for each sample.

The headers (POSIX.1-1988 ustar) of a whole batch are laid out at once as one array, with fixed time,
owner and mode; the standard library's tarfile takes longer for one than the picture takes to encode.
"""

import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .files import HashingFile, Written
from .png import PngEncoder

_BLOCK = 512
_NAME_DIGITS = 12
_JSON_DIGITS = 19  # of the index, padded with spaces, so that every sample's JSON is equally long
_END = bytes(2 * _BLOCK)
_SIZE = slice(124, 135)
_CHECKSUM = slice(148, 154)


class TarShard:
    """The samples as a tar file for WebDataset."""

    def __init__(self, path: Path, shape: tuple[int, ...], seed: int) -> None:
        self._encoder = PngEncoder(shape)
        self._json = f'{{"index": {" " * _JSON_DIGITS}, "seed": {seed}}}\n'.encode()
        self._json_place = self._json.index(b" " * _JSON_DIGITS)
        self._png_header = _template(".png", 0)
        self._json_header = _template(".json", len(self._json))
        self._file = HashingFile(path)

    def add(self, indices: NDArray[np.int64], images: NDArray[np.uint8]) -> None:
        """Append samples."""
        if not len(indices):
            return
        files = self._encoder.encode(images)
        sizes = np.array([len(data) for data in files], dtype=np.int64)
        heads = _headers(self._png_header, indices, sizes)
        tails = self._json_members(indices)
        size = tails.shape[1]
        head_bytes, tail_bytes = heads.tobytes(), tails.tobytes()
        pieces: list[bytes] = []
        for place, data in enumerate(files):
            pieces += (
                head_bytes[place * _BLOCK : (place + 1) * _BLOCK],
                data,
                _END[: -len(data) % _BLOCK],
                tail_bytes[place * size : (place + 1) * size],
            )
        self._file.write(b"".join(pieces))

    def finish(self, name: str) -> list[Written]:
        """The complete file."""
        self._file.write(_END)
        return [self._file.written(name)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _json_members(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Header and content of every sample's JSON, uint8 [n, bytes]."""
        room = -(-len(self._json) // _BLOCK) * _BLOCK
        members = np.zeros((len(indices), _BLOCK + room), dtype=np.uint8)
        sizes = np.full(len(indices), len(self._json), dtype=np.int64)
        members[:, :_BLOCK] = _headers(self._json_header, indices, sizes)
        members[:, _BLOCK : _BLOCK + len(self._json)] = np.frombuffer(self._json, dtype=np.uint8)
        digits = _digits(indices, _JSON_DIGITS, 10)
        blank = np.cumsum(digits != ord("0"), axis=1) == 0
        blank[:, -1] = False
        digits[blank] = ord(" ")
        first = _BLOCK + self._json_place
        members[:, first : first + _JSON_DIGITS] = digits
        return members


def _template(suffix: str, size: int) -> NDArray[np.uint8]:
    entry = tarfile.TarInfo("0" * _NAME_DIGITS + suffix)
    entry.size, entry.mode, entry.uname, entry.gname = size, 0o644, "dropgan", "dropgan"
    return np.frombuffer(entry.tobuf(tarfile.USTAR_FORMAT), dtype=np.uint8)


def _headers(
    template: NDArray[np.uint8], indices: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """One header a file, uint8 [n, 512]."""
    headers = np.tile(template, (len(indices), 1))
    width = _NAME_DIGITS
    if int(indices[-1]) >= 10**_NAME_DIGITS:  # a longer name pushes its suffix on
        width = _JSON_DIGITS
        suffix = template[_NAME_DIGITS : _NAME_DIGITS + 5]
        headers[:, width : width + 5] = suffix
    headers[:, :width] = _digits(indices, width, 10)
    headers[:, _SIZE] = _digits(sizes, 11, 8)
    headers[:, 148:156] = ord(" ")  # a checksum is taken with blanks in its own place
    sums = headers.sum(axis=1, dtype=np.int64)
    headers[:, _CHECKSUM] = _digits(sums, 6, 8)
    headers[:, 154] = 0
    return headers


def _digits(values: NDArray[np.int64], width: int, base: int) -> NDArray[np.uint8]:
    """The numbers in ASCII with leading zeros, uint8 [n, width]."""
    powers = np.array([base**place for place in range(width - 1, -1, -1)], dtype=np.int64)
    return (values[:, None] // powers % base + ord("0")).astype(np.uint8)
