"""Batches of training images, in an order that is a function of seed and step."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .stored import store


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
        """Take the images into memory, or leave them in a file mapped into memory (see `stored`).

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
        self._count = len(images)
        self._images = store(images, device)
        on = self._images.device
        self._labels = None if labels is None else torch.from_numpy(np.array(labels)).to(on)
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def __call__(self, step: int) -> Batch:
        """The batch of training step number ``step``."""
        indices = self._indices(step)
        samples = self._images(indices).to(self._device, non_blocking=True)
        self._images.read_ahead(lambda: self._indices(step + 1))
        labels = None if self._labels is None else self._labels[indices].to(self._device, non_blocking=True)
        return Batch(samples.to(torch.float32).mul_(1 / 127.5).sub_(1), labels)

    def _indices(self, step: int) -> Tensor:
        position, wanted, parts = step * self._size, self._size, []
        while wanted:
            epoch, offset = divmod(position, self._count)
            part = self._permutation(epoch)[offset : offset + wanted]
            parts.append(part)
            position, wanted = position + len(part), wanted - len(part)
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def _permutation(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            mixed = np.random.SeedSequence([self._seed, epoch]).generate_state(1, np.uint64)[0]
            generator = torch.Generator().manual_seed(int(mixed) >> 1)
            order = torch.randperm(self._count, generator=generator)
            self._order, self._epoch = order.to(self._images.device), epoch
        return self._order
