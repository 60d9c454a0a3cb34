"""The latent stream ``philox4x64-boxmuller-v1``: sample *i* of seed *s* as a pure function of (s, i).

Any machine, batch size, shard or language can make sample 7,000,000 without making the ones before
it. The words come from Philox4x64-10 (`serve.philox`), the normals from the Box-Muller transform
(Box and Muller 1958). docs/latents.md has the definition, and tests/golden/latents.json the test vectors
for every implementation.
"""

import operator
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .philox import WORDS_PER_BLOCK, Philox

STREAM_NAME = "philox4x64-boxmuller-v1"

_MAX_SEED = 2**64 - 1
_MAX_START = 2**60
MAX_INDEX = _MAX_START - 1
"""The largest index of a sample."""
_PAIRS_PER_BLOCK = 4  # a 64-bit word makes one pair of uniforms
_CHUNK_WORDS = 8192  # 64 KiB of words and some 200 KiB of floats: stays within a core's L2 cache
_LANES = 64  # pad to whole SIMD vectors, so that no value ever goes through a remainder loop

_ONE_BITS = np.uint32(0x3F800000)  # the bits of float32 1.0: or-ing 23 bits under them gives [1, 2)
_TO_OPEN_UNIT = np.float32(1 - 2.0**-24)  # 1 + k/2^23 minus this is (k + 0.5)/2^23, exactly
_TO_CENTRED_UNIT = np.float32(1.5 - 2.0**-24)  # the same minus a half, exactly
_TWO_PI = np.float32(2 * np.pi)
_AHEAD = 16
_NO_ROWS = (-1, 0, np.empty((0, 0), dtype=np.float32))


class LatentStream:
    """Standard normal latents addressed by seed and absolute sample index.

    On one machine the bits do not depend on how an index range is cut into calls. Everywhere
    values are within 5e-6 of the same formula in float64. It is thread-safe.
    """

    def __init__(self, dim: int) -> None:
        """Create a stream of latents of size ``dim``, at least 1.

        Raises:
            InputError: ``dim`` is below 1.
        """
        if dim < 1:
            raise InputError(f"latent dimension must be at least 1, not {dim}")
        self.dim = dim
        self._blocks = -(-dim // (2 * _PAIRS_PER_BLOCK))
        self._philox = Philox(stream=0)
        self._local = threading.local()

    def __reduce__(self) -> tuple[type["LatentStream"], tuple[int]]:
        return LatentStream, (self.dim,)

    def __call__(
        self, count: int, *, seed: int, start: int = 0, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the latents of samples ``start`` to ``start + count - 1``.

        Args:
            count: Number of samples, 0 or more.
            seed: 0 to 2**64 - 1.
            start: Index of the first, 0 or more.
            out: Where to write them, C-contiguous float32 [count, dim]; None for a new array.

        Returns:
            float32 array [count, dim], standard normal.

        Raises:
            InputError: An argument is out of range.
        """
        check_range(count, seed, start)
        if out is not None:
            return self._many(seed, start, out)
        if count == 1:
            return self._one(seed, start)
        return self._many(seed, start, np.empty((count, self.dim), dtype=np.float32))

    def each(self, seeds: Sequence[int], indices: Sequence[int]) -> NDArray[np.float32]:
        """Return the latent of sample ``indices[i]`` of ``seeds[i]`` for every i.

        Args:
            seeds: 0 to 2**64 - 1 each.
            indices: 0 or more each, as many.

        Returns:
            float32 array [len(seeds), dim], bit for bit the same as one by one.
        """
        out = np.empty((len(seeds), self.dim), dtype=np.float32)
        words_per_sample = self._blocks * WORDS_PER_BLOCK
        step = max(1, _CHUNK_WORDS // words_per_sample)
        for first in range(0, len(seeds), step):
            part = slice(first, first + step)
            rows = out[part]
            needed = len(rows) * words_per_sample
            words = np.zeros(-(-needed // _LANES) * _LANES, dtype=np.uint64)
            lines = words[:needed].reshape(len(rows), words_per_sample)
            for line, seed, index in zip(lines, seeds[part], indices[part], strict=True):
                line[:] = self._philox.at(seed, index * self._blocks).random_raw(words_per_sample)
            self._box_muller(words, len(rows), rows)
        return out

    def _one(self, seed: int, index: int) -> NDArray[np.float32]:
        """Return one latent.

        The next few are computed with it, for callers that ask for consecutive samples, because numpy's calls
        cost more than the numbers in them.
        """
        made_seed, first, rows = getattr(self._local, "rows", _NO_ROWS)
        place = index - first
        if seed != made_seed or not 0 <= place < len(rows):
            in_turn = seed == made_seed and place == len(rows)
            buffer = np.empty((_AHEAD if in_turn else 1, self.dim), dtype=np.float32)
            rows = self._many(seed, index, buffer)
            self._local.rows, place = (seed, index, rows), 0
        latent: NDArray[np.float32] = rows[place : place + 1].copy()
        return latent

    def _many(self, seed: int, start: int, out: NDArray[np.float32]) -> NDArray[np.float32]:
        count = len(out)
        words_per_sample = self._blocks * WORDS_PER_BLOCK
        philox = self._philox.at(seed, start * self._blocks)
        step = max(1, _CHUNK_WORDS // words_per_sample)
        for first in range(0, count, step):
            rows = min(step, count - first)
            needed = rows * words_per_sample
            padded = -(-needed // _LANES) * _LANES
            words = philox.random_raw(needed)
            if padded != needed:
                words = np.concatenate([words, np.zeros(padded - needed, dtype=np.uint64)])
            self._box_muller(words, rows, out[first : first + rows])
        return out

    def _box_muller(self, words: NDArray[np.uint64], rows: int, out: NDArray[np.float32]) -> None:
        """Turn whole vectors of words into normals and write the first ``dim`` of each row to ``out``."""
        # The low half of a word makes u1, the high half u2. Whole words are shifted and then narrowed:
        # contiguous passes, where a strided view of the halves costs twice as much.
        bits = np.empty((2, len(words)), dtype=np.uint32)
        np.copyto(bits[0], words, casting="unsafe")
        np.right_shift(bits[0], np.uint32(9), out=bits[0])
        np.right_shift(words, np.uint64(41), out=words)
        np.copyto(bits[1], words, casting="unsafe")
        np.bitwise_or(bits, _ONE_BITS, out=bits)
        radius, angle = bits.view(np.float32)

        # r = sqrt(-2 ln u1); the sign is turned because cos(2 pi u) = -cos(2 pi (u - 1/2)), and a
        # centred angle halves what float32 loses of it.
        np.subtract(radius, _TO_OPEN_UNIT, out=radius)
        np.log(radius, out=radius)
        np.multiply(radius, np.float32(-2), out=radius)
        np.sqrt(radius, out=radius)
        np.negative(radius, out=radius)
        np.subtract(angle, _TO_CENTRED_UNIT, out=angle)
        np.multiply(angle, _TWO_PI, out=angle)

        # A complex array is the two interleaved: its parts are written in one pass each. It takes the
        # room of the words, which are used up.
        normals = words.view(np.complex64)
        normals.real = np.multiply(radius, np.cos(angle))
        normals.imag = np.multiply(radius, np.sin(angle, out=angle), out=angle)
        per_row = 2 * self._blocks * _PAIRS_PER_BLOCK
        out[:] = normals.view(np.float32)[: rows * per_row].reshape(rows, per_row)[:, : self.dim]


def check_range(count: int, seed: int, start: int) -> None:
    """Refuse a sample range that the stream cannot address.

    Raises:
        InputError: ``count`` or ``start`` is negative, ``start + count`` is over 2**60, ``seed`` does not
            fit 64 bits, or one of them is not a whole number.
    """
    if not type(count) is type(seed) is type(start) is int:
        for name, value in (("number of samples", count), ("seed", seed), ("start", start)):
            try:
                operator.index(value)
            except TypeError as error:
                raise InputError(f"the {name} must be a whole number, not {value!r}") from error
    if count < 0:
        raise InputError(f"the number of samples must be 0 or more, not {count}")
    if start < 0 or start + count > _MAX_START:
        raise InputError(f"sample indices must lie between 0 and 2**60, not start at {start}")
    if not 0 <= seed <= _MAX_SEED:
        raise InputError(f"the seed must lie between 0 and 2**64 - 1, not {seed}")


def check_truncation(truncation: float) -> None:
    """Refuse an invalid truncation.

    Raises:
        InputError: ``truncation`` is not above 0 and at most 1.
    """
    if not (isinstance(truncation, float | int | np.floating) and 0 < truncation <= 1):
        raise InputError(f"truncation must be above 0 and at most 1, not {truncation!r}")
