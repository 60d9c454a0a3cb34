"""Storage of training samples: on the device, or in a file larger than memory."""

import mmap
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .memory import available_memory
from .scaling import Scaling


class InMemory:
    """All samples as one array, on the device if they fit into half of its free memory."""

    def __init__(self, samples: NDArray[Any], scaling: Scaling, device: torch.device) -> None:
        stored = torch.from_numpy(np.array(scaling.arranged(samples), order="C", copy=True))
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            stored = stored.to(device) if stored.nbytes < free // 2 else stored.pin_memory()
        self._samples = stored
        self.device = stored.device

    def __call__(self, indices: Tensor) -> Tensor:
        """Return samples [batch, *shape] in the networks' shape, as `Scaling` takes them, on
        ``self.device``.
        """
        return self._samples.index_select(0, indices)  # a tenth of what indexing takes

    def read_ahead(self, indices: Callable[[], Tensor]) -> None:
        """Do nothing."""


class Mapped:
    """Samples in a mapped file. Each batch is read from it, one batch ahead."""

    def __init__(self, samples: NDArray[Any], scaling: Scaling) -> None:
        self._samples, self._scaling = samples, scaling
        _expect_random_reads(samples)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._ahead: tuple[Tensor, Future[Tensor]] | None = None
        self.device = torch.device("cpu")

    def __call__(self, indices: Tensor) -> Tensor:
        """Return samples [batch, *shape] in the networks' shape, as `Scaling` takes them, on the CPU."""
        if self._ahead is not None and torch.equal(self._ahead[0], indices):
            return self._ahead[1].result()
        return self._read(indices)

    def read_ahead(self, indices: Callable[[], Tensor]) -> None:
        """Start to read the next batch."""
        wanted = indices()
        self._ahead = wanted, self._reader.submit(self._read, wanted)

    def _read(self, indices: Tensor) -> Tensor:
        samples = self._samples[indices.numpy()]
        return torch.from_numpy(np.ascontiguousarray(self._scaling.arranged(samples)))


def store(samples: NDArray[Any], scaling: Scaling, device: torch.device) -> InMemory | Mapped:
    """Load the samples into memory, unless that would need more than half of what is free.

    Args:
        samples: The stored samples, possibly a mapped file.
        scaling: Arranges the axes for the networks.
        device: Device of the batches.
    """
    if samples.nbytes > available_memory() // 2:
        return Mapped(samples, scaling)
    return InMemory(samples, scaling, device)


def _expect_random_reads(samples: NDArray[Any]) -> None:
    """Turn off the system's read-ahead, because the next sample is somewhere else."""
    base: Any = samples
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        base.madvise(mmap.MADV_RANDOM)
