"""Training images as one array on the device, so that a batch is an index."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Batch(NamedTuple):
    """What one training step sees of the data."""

    samples: Tensor
    """float32 [batch, channels, height, width] on the device, -1 to 1."""
    labels: Tensor | None
    """int64 [batch] on the device, or None in a model without classes."""


class Batches:
    """Batches of real images in an order that is a function of (seed, step).

    Each epoch is a fresh permutation; a batch may straddle two epochs, so every image is seen
    equally often. Nothing about the order needs saving.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        batch_size: int,
        seed: int,
        device: torch.device,
        labels: NDArray[np.int64] | None = None,
    ) -> None:
        """Move the images to ``device`` if they fit into half of its free memory.

        Args:
            images: uint8 [n, height, width, channels].
            batch_size: Images a batch.
            seed: The run's seed.
            device: Where the batches are wanted.
            labels: int64 [n] for a class-conditional model, else None.
        """
        self._device = device
        self._size = batch_size
        self._seed = seed
        # NCHW; a view is enough for grey images, where it is the same order of bytes
        stored = torch.from_numpy(np.array(np.moveaxis(images, 3, 1), order="C", copy=True))
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            stored = stored.to(device) if stored.nbytes < free // 2 else stored.pin_memory()
        self._images = stored
        self._labels = None if labels is None else torch.from_numpy(np.array(labels)).to(stored.device)
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def __call__(self, step: int) -> Batch:
        """The batch of training step number ``step``."""
        indices = self._indices(step)
        samples = self._images[indices].to(self._device, non_blocking=True)
        labels = None if self._labels is None else self._labels[indices].to(self._device, non_blocking=True)
        return Batch(samples.to(torch.float32).mul_(1 / 127.5).sub_(1), labels)

    def _indices(self, step: int) -> Tensor:
        count = len(self._images)
        position, wanted, parts = step * self._size, self._size, []
        while wanted:
            epoch, offset = divmod(position, count)
            part = self._permutation(epoch)[offset : offset + wanted]
            parts.append(part)
            position, wanted = position + len(part), wanted - len(part)
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def _permutation(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            mixed = np.random.SeedSequence([self._seed, epoch]).generate_state(1, np.uint64)[0]
            generator = torch.Generator().manual_seed(int(mixed) >> 1)
            order = torch.randperm(len(self._images), generator=generator)
            self._order, self._epoch = order.to(self._images.device), epoch
        return self._order
