"""A shard in the WebDataset layout: a tar file with ``INDEX.png`` and ``INDEX.json`` for each sample.

The headers (POSIX.1-1988 ustar) of a whole batch are templates into which numpy writes the few bytes that
differ. The standard library's tarfile takes longer for one header than encoding the picture takes.
"""

import json
import tarfile

import numpy as np
from numpy.typing import NDArray

from ...card import MAX_CLASS_NUMBER
from ...kind import PICTURES
from ..files import HashingFile, Written
from ..format import Format, NewShard, Way
from ..png_encoder import PngEncoder

_BLOCK = 512
_NAME_DIGITS = 12
_JSON_DIGITS = 19  # of the index, padded with spaces, so that every sample's JSON is equally long
_END = bytes(2 * _BLOCK)
_SIZE = slice(124, 135)
_CHECKSUM = slice(148, 154)
_GROUP = 128  # samples laid out and written at once: some 300 KB, which stay in a core's L2 cache

Blocks = NDArray[np.uint8]
"""Tar blocks, uint8 [n, 512]."""


class TarShard:
    """The samples as a tar file for WebDataset."""

    def __init__(self, new: NewShard) -> None:
        self._encoder = PngEncoder(new.shape)
        self._seed, self._labelled, self._names = new.seed, new.labelled, new.class_names
        self._json_size = max(map(len, map(self._text, self._names or [MAX_CLASS_NUMBER])))
        if self._json_size > _BLOCK:
            self._names = {}  # they would not fit into one block: job.json has them
            self._json_size = len(self._text(MAX_CLASS_NUMBER))
        self._index_place = self._text(0).index(b"#")
        self._blocks: dict[int, Blocks] = {}
        self._buffer = np.empty((0, _BLOCK), dtype=np.uint8)
        self._file = HashingFile(new.path, new.file)

    def add(
        self, indices: NDArray[np.int64], samples: NDArray[np.uint8], labels: NDArray[np.int64] | None
    ) -> None:
        """Append samples."""
        if not len(indices):
            return
        files = self._encoder.encode(samples)
        sizes = np.array([len(data) for data in files], dtype=np.int64)
        digits = _digits(indices, _JSON_DIGITS, 10)
        heads = _headers(".png", digits, sizes)
        json_heads = _headers(".json", digits, np.full(len(sizes), self._json_size))
        texts = self._texts(len(sizes), labels)
        texts[:, self._index_place : self._index_place + _JSON_DIGITS] = _padded(digits)
        for first in range(0, len(sizes), _GROUP):
            some = slice(first, first + _GROUP)
            self._lay_out(files[some], sizes[some], heads[some], json_heads[some], texts[some])

    def finish(self, name: str) -> list[Written]:
        """Complete the file and return it."""
        self._file.write(_END)
        return [self._file.written(name)]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _text(self, label: int) -> bytes:
        """Return the JSON of a sample, with ``#`` in place of the digits of its index."""
        about: dict[str, int | str] = {"label": label} if self._labelled else {}
        if label in self._names:
            about["label_name"] = self._names[label]
        rest = json.dumps({**about, "seed": self._seed})
        return f'{{"index": {"#" * _JSON_DIGITS}, {rest[1:]}\n'.encode()

    def _texts(self, count: int, labels: NDArray[np.int64] | None) -> Blocks:
        """Return the JSON of each sample without its index, all of equal length."""
        given = np.zeros(count, np.int64) if labels is None else labels
        numbers, places = np.unique(given, return_inverse=True)
        for number in numbers.tolist():
            if number not in self._blocks:
                padded = self._text(number)[:-1].ljust(self._json_size - 1) + b"\n"
                self._blocks[number] = np.frombuffer(padded.ljust(_BLOCK, b"\0"), dtype=np.uint8)
        return np.stack([self._blocks[number] for number in numbers.tolist()])[places]

    def _lay_out(
        self, files: list[bytes], sizes: NDArray[np.int64], heads: Blocks, json_heads: Blocks, texts: Blocks
    ) -> None:
        """Write the members of some samples: header and blocks of the picture, then of the JSON."""
        ends = np.cumsum(3 - -sizes // _BLOCK)
        starts = np.concatenate([[0], ends[:-1]])
        if len(self._buffer) < ends[-1]:
            self._buffer = np.empty((int(ends[-1]), _BLOCK), dtype=np.uint8)
        buffer = self._buffer
        buffer[starts] = heads
        buffer[ends - 3] = 0  # what the picture leaves of its last block
        buffer[ends - 2] = json_heads
        buffer[ends - 1] = texts
        view = buffer.data.cast("B")
        for place, data in zip(((starts + 1) * _BLOCK).tolist(), files, strict=True):
            view[place : place + len(data)] = data
        self._file.write(view[: int(ends[-1]) * _BLOCK])


def _headers(suffix: str, digits: NDArray[np.uint8], sizes: NDArray[np.int64]) -> Blocks:
    """Return one header per member, uint8 [n, 512], named by the number in ``digits`` [n, 19]."""
    width = _JSON_DIGITS if (digits[-1, :-_NAME_DIGITS] != ord("0")).any() else _NAME_DIGITS
    entry = tarfile.TarInfo("0" * width + suffix)
    entry.mode, entry.uname, entry.gname = 0o644, "dropgan", "dropgan"
    template = np.frombuffer(entry.tobuf(tarfile.USTAR_FORMAT), dtype=np.uint8)
    headers = np.repeat(template[None], len(sizes), axis=0)
    names, octal = digits[:, -width:], _digits(sizes, 11, 8)
    headers[:, :width] = names
    headers[:, _SIZE] = octal
    # The checksum is the sum of all bytes, blanks in its own place; the template's was taken so, with
    # zeros for the digits.
    base = int(bytes(template[_CHECKSUM]), 8) - ord("0") * (width + 11)
    sums = base + names.sum(axis=1, dtype=np.int64) + octal.sum(axis=1, dtype=np.int64)
    headers[:, _CHECKSUM] = _digits(sums, 6, 8)
    return headers


def _padded(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the digits with spaces in place of leading zeros, which JSON does not allow."""
    blank = np.logical_and.accumulate(digits == ord("0"), axis=1)
    blank[:, -1] = False
    return np.where(blank, np.uint8(ord(" ")), digits)


def _table(base: int, places: int) -> NDArray[np.uint8]:
    """Return all numbers of ``places`` digits in ASCII, uint8 [base ** places, places]."""
    grid = np.indices((base,) * places, dtype=np.uint8).reshape(places, -1).T
    return np.ascontiguousarray(grid + np.uint8(ord("0")))


_PLACES = 4
_TABLES = {base: _table(base, _PLACES) for base in (8, 10)}


def _digits(values: NDArray[np.int64], width: int, base: int) -> NDArray[np.uint8]:
    """Return numbers in ASCII with leading zeros, uint8 [n, width], four digits at a time from a table."""
    groups = -(-width // _PLACES)
    digits = np.empty((len(values), groups, _PLACES), dtype=np.uint8)
    for group in range(groups - 1, -1, -1):
        values, low = np.divmod(values, base**_PLACES)
        digits[:, group] = _TABLES[base][low]
    return digits.reshape(len(digits), -1)[:, -width:]


FORMAT = Format("tar", ".tar", {PICTURES: Way(TarShard, ("deflate",))})
