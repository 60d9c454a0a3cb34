"""Where training samples lie: on the device, or in a file larger than the memory."""

import mmap
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .memory import available_memory


class InMemory:
    """All images as one array, on the device if they fit into half of its free memory."""

    def __init__(self, images: NDArray[Any], device: torch.device) -> None:
        stored = torch.from_numpy(np.array(_channels_first(images), order="C", copy=True))
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            stored = stored.to(device) if stored.nbytes < free // 2 else stored.pin_memory()
        self._images = stored
        self.device = stored.device

    def __call__(self, indices: Tensor) -> Tensor:
        """uint8 [batch, channels, height, width], or vectors [batch, columns], on ``self.device``."""
        return self._images.index_select(0, indices)  # a tenth of what indexing takes

    def read_ahead(self, indices: Callable[[], Tensor]) -> None:
        """Nothing to do."""


class Mapped:
    """Images in a file mapped into memory: each batch is read from there, the next one meanwhile."""

    def __init__(self, images: NDArray[Any]) -> None:
        self._images = images
        _expect_random_reads(images)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._ahead: tuple[Tensor, Future[Tensor]] | None = None
        self.device = torch.device("cpu")

    def __call__(self, indices: Tensor) -> Tensor:
        """uint8 [batch, channels, height, width], or vectors [batch, columns], on the CPU."""
        if self._ahead is not None and torch.equal(self._ahead[0], indices):
            return self._ahead[1].result()
        return self._read(indices)

    def read_ahead(self, indices: Callable[[], Tensor]) -> None:
        """Begin to read the batch that will be asked for next."""
        wanted = indices()
        self._ahead = wanted, self._reader.submit(self._read, wanted)

    def _read(self, indices: Tensor) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(_channels_first(self._images[indices.numpy()])))


def store(images: NDArray[Any], device: torch.device) -> InMemory | Mapped:
    """Take the images into memory, unless that would need more than half of what is left.

    Args:
        images: uint8 [n, height, width, channels] or floats [n, columns], possibly a mapped file.
        device: Where batches are wanted.
    """
    return Mapped(images) if images.nbytes > available_memory() // 2 else InMemory(images, device)


def _channels_first(samples: NDArray[Any]) -> NDArray[Any]:
    """NHWC to NCHW; for grey images the same order of bytes, vectors as they are."""
    return np.moveaxis(samples, 3, 1) if samples.ndim == 4 else samples


def _expect_random_reads(samples: NDArray[Any]) -> None:
    """Tell the system not to read on behind each sample that is read: the next one is elsewhere."""
    base: Any = samples
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
        base.madvise(mmap.MADV_RANDOM)
