"""Batches of training samples, in an order that is a function of seed and step."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..distributed.ranks import ALONE, Ranks
from .spread import Spread
from .stored import store


class Batch(NamedTuple):
    """What one training step sees of the data."""

    samples: Tensor
    """float32 on the device: images [batch, channels, height, width], -1 to 1, or standardised vectors
    [batch, columns]."""
    labels: Tensor | None
    """int64 [batch] on the device, or None in a model without classes."""


class Batches:
    """Batches of real images or vectors in an order that is a function of (seed, step).

    Each epoch is a fresh permutation; a batch may straddle two epochs, so every image is seen
    equally often. Nothing about the order needs saving.
    """

    def __init__(
        self,
        images: NDArray[Any],
        batch_size: int,
        seed: int,
        device: torch.device,
        labels: NDArray[np.int64] | None = None,
        spread: Spread | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        """Take the images into memory, or leave them in a file mapped into memory (see `stored`).

        Args:
            images: uint8 [n, height, width, channels]; or vectors, floats [n, columns].
            batch_size: Images a batch.
            seed: The run's seed.
            device: Where the batches are wanted.
            labels: int64 [n] for a class-conditional model, else None.
            spread: Of vectors, how their columns are laid out; None for images.
            ranks: Several processes get equal parts of each batch, in the order of their ranks.
        """
        self._device = device
        self._size = batch_size
        self._seed = seed
        self._count = len(images)
        self._images = store(images, device)
        on = self._images.device
        self._labels = None if labels is None else torch.from_numpy(np.array(labels)).to(on)
        self._spread = None if spread is None else _SpreadOut(spread, device)
        self._ranks = ranks
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def __call__(self, step: int) -> Batch:
        """The batch of training step number ``step``."""
        indices = self._indices(step)
        samples = self._images(indices).to(self._device, non_blocking=True)
        self._images.read_ahead(lambda: self._indices(step + 1))
        labels = None if self._labels is None else self._labels[indices].to(self._device, non_blocking=True)
        if self._spread is not None:
            return Batch(self._spread(samples, self._places(step)), labels)
        return Batch(samples.to(torch.float32).mul_(1 / 127.5).sub_(1), labels)

    def _places(self, step: int) -> Tensor | None:
        """Where point masses fall in their intervals, a function of seed and step like the order."""
        if self._spread is None or not self._spread.masses:
            return None
        mixed = np.random.SeedSequence([self._seed, step, 1]).generate_state(1, np.uint64)[0]
        generator = torch.Generator().manual_seed(int(mixed) >> 1)
        drawn = torch.rand(self._size, self._spread.masses, dtype=torch.float64, generator=generator)
        return self._ranks.part(drawn).to(self._device)

    def _indices(self, step: int) -> Tensor:
        position, wanted, parts = step * self._size, self._size, []
        while wanted:
            epoch, offset = divmod(position, self._count)
            part = self._permutation(epoch)[offset : offset + wanted]
            parts.append(part)
            position, wanted = position + len(part), wanted - len(part)
        return self._ranks.part(torch.cat(parts) if len(parts) > 1 else parts[0])

    def _permutation(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            mixed = np.random.SeedSequence([self._seed, epoch]).generate_state(1, np.uint64)[0]
            generator = torch.Generator().manual_seed(int(mixed) >> 1)
            order = torch.randperm(self._count, generator=generator)
            self._order, self._epoch = order.to(self._images.device), epoch
        return self._order


class _SpreadOut:
    """`Spread.standard` on the device, in float64: a column of large numbers may vary by little.

    Attributes:
        masses: How many columns have a point mass.
    """

    def __init__(self, spread: Spread, device: torch.device) -> None:
        self._mean, self._scale = (torch.from_numpy(part).to(device) for part in (spread.mean, spread.scale))
        places = np.flatnonzero(spread.width)
        self.masses = len(places)
        self._columns = torch.from_numpy(places).to(device)
        self._mass, self._width = (
            torch.from_numpy(part[places]).to(device) for part in (spread.mass, spread.width)
        )

    def __call__(self, rows: Tensor, places: Tensor | None) -> Tensor:
        """float32 [n, columns] from rows in their own units, and where masses fall, [n, masses]."""
        wide = rows.to(torch.float64)
        if places is not None:
            values = wide[:, self._columns]
            above = torch.where(values == self._mass, places, (values > self._mass).to(torch.float64))
            wide = wide.index_add(1, self._columns, above * self._width)
        return wide.sub_(self._mean).div_(self._scale).to(torch.float32)
