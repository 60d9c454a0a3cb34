"""The batch sizes at which no sample depends on the batch that it was in."""

import platform
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .providers import CPU

CPU_BATCH = 128  # a batch whose activations stay in a core's L2 cache; larger ones measured slower
_TILE = 1024


@dataclass(frozen=True)
class Drawn:
    """Latents of some samples, and of the neighbours that the provider must compute with them."""

    latents: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    """Labels of the latents, in a class-conditional model."""
    skip: int
    """Rows before the first of the samples."""
    count: int
    """Samples."""


def tile_for(provider: str) -> int | None:
    """Return the number of rows that every run must have so that no sample depends on its batch, or None.

    onnxruntime's CPU matrix product on x86-64 sums each output element in an order that depends on the
    weights' shape alone, so any batch gives the same bits (held by a test). Other providers may pick another
    algorithm for another batch size, so there every run has the same size.
    """
    if provider == CPU and platform.machine().lower() in ("x86_64", "amd64"):
        return None
    return _TILE if provider != CPU else CPU_BATCH
