"""The streams that draw a class for each sample if the caller chooses none.

The class of sample *i* of seed *s* is a pure function of (s, i), like its latents. docs/latents.md has the
definitions, and tests/golden/labels.json the test vectors for every implementation.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .card import MAX_CLASSES, MAX_COUNTED
from .errors import InputError
from .latents import check_range
from .philox import WORDS_PER_BLOCK, Philox

LABEL_STREAM_NAME = "philox4x64-multiplyhigh-v1"

_CHUNK = 1 << 14  # words at a time: the arrays of one stay within a core's L2 cache
_LOW_32, _32 = np.uint64(2**32 - 1), np.uint64(32)


class LabelStream:
    """Draws classes equally often or in given shares, addressed by seed and sample index.

    It uses integer arithmetic only, so results are the same on every machine. It is thread-safe.
    """

    def __init__(self, classes: int, counts: Sequence[int] = ()) -> None:
        """Create a stream of places 0 to ``classes - 1``.

        Args:
            classes: Number of classes, 1 to 2**20.
            counts: How often to draw each class, in proportion: integers of 0 or more with a sum of 1 to
                2**32 - 1; empty for all equally often.

        Raises:
            InputError: An argument is out of range.
        """
        if not 1 <= classes <= MAX_CLASSES:
            raise InputError(f"the number of classes must lie between 1 and 2**20, not {classes}")
        if counts and (len(counts) != classes or min(counts) < 0 or not 1 <= sum(counts) <= MAX_COUNTED):
            raise InputError("counts must be 0 or more, one for each class, with a sum of 1 to 2**32 - 1")
        self.classes, self.counts = classes, tuple(counts)
        self._ends = np.cumsum(self.counts, dtype=np.int64) if counts else None
        self._total = sum(self.counts) if counts else classes
        self._philox = Philox(stream=1)

    def __reduce__(self) -> tuple[type["LabelStream"], tuple[int, tuple[int, ...]]]:
        return LabelStream, (self.classes, self.counts)

    def __call__(self, count: int, *, seed: int, start: int = 0) -> NDArray[np.int64]:
        """Return the places of the classes of samples ``start`` to ``start + count - 1``.

        Args:
            count: Number of samples, 0 or more.
            seed: 0 to 2**64 - 1.
            start: Index of the first, 0 or more.

        Returns:
            int64 array [count], 0 to ``classes - 1``.

        Raises:
            InputError: An argument is out of range.
        """
        check_range(count, seed, start)
        block, before = divmod(start, WORDS_PER_BLOCK)
        philox = self._philox.at(seed, block)
        if before:
            philox.random_raw(before, output=False)
        if count == 1:
            return self._places(np.array([philox.random_raw() * self._total >> 64], dtype=np.int64))
        out = np.empty(count, dtype=np.int64)
        for first in range(0, count, _CHUNK):
            part = out[first : first + _CHUNK]
            part[:] = self._high_of_product(philox.random_raw(len(part)))
            part[:] = self._places(part)
        return out

    def each(self, seeds: Sequence[int], indices: Sequence[int]) -> NDArray[np.int64]:
        """Return the place of the class of sample ``indices[i]`` of ``seeds[i]`` for every i.

        Args:
            seeds: 0 to 2**64 - 1 each.
            indices: 0 or more each, as many.

        Returns:
            int64 array [len(seeds)], 0 to ``classes - 1``.
        """
        words = np.empty(len(seeds), dtype=np.uint64)
        for place, (seed, index) in enumerate(zip(seeds, indices, strict=True)):
            block, before = divmod(index, WORDS_PER_BLOCK)
            words[place] = self._philox.at(seed, block).random_raw(WORDS_PER_BLOCK)[before]
        return self._places(self._high_of_product(words).astype(np.int64))

    def _high_of_product(self, words: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return ``floor(word * total / 2**64)`` from a product of up to 96 bits, computed in two halves."""
        total = np.uint64(self._total)
        low = ((words & _LOW_32) * total) >> _32
        return ((words >> _32) * total + low) >> _32

    def _places(self, drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the class of each drawn sample number, with the counted samples sorted by class."""
        return drawn if self._ends is None else np.searchsorted(self._ends, drawn, side="right")
