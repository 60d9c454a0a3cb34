"""Philox4x64-10 with random access to blocks, the source of all streams.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import threading
from typing import Any

import numpy as np

WORDS_PER_BLOCK = 4

_LOW_64 = 2**64 - 1
_NO_BUFFER = (0, 0, 0, 0)


class Philox(threading.local):
    """numpy's generator for keys (seed, stream), with one state per thread.

    Creating a generator takes 15 us and setting its state a tenth of that, so each thread keeps its own.
    """

    def __init__(self, stream: int) -> None:
        """Args:
        stream: Second word of the key: 0 latents, 1 labels.
        """
        self.stream = stream
        self._bits = np.random.Philox(key=np.zeros(2, dtype=np.uint64))

    def at(self, seed: int, block: int) -> np.random.Philox:
        """Return the generator, positioned so that its next output is block ``block`` of ``seed``."""
        state: Any = {
            "bit_generator": "Philox",
            "state": {
                "counter": [block & _LOW_64, block >> 64, 0, 0],  # lists: numpy reads them faster than arrays
                "key": [seed, self.stream],
            },
            "buffer": _NO_BUFFER,
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }
        self._bits.state = state
        return self._bits
