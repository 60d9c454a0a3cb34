"""Batches of training samples, in an order that is a function of seed and step."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..distributed.ranks import ALONE, Ranks
from .dataset import DataError
from .scaling import FROM_PIXELS, Scaling
from .stored import store


class Batch(NamedTuple):
    """The real samples of one training step."""

    samples: Tensor
    """float32 on the device: images [batch, channels, height, width], -1 to 1, or standardised vectors
    [batch, columns]."""
    labels: Tensor | None
    """int64 [batch] on the device, or None in a model without classes."""


class Batches:
    """Batches of real samples in an order that is a function of (seed, step).

    Each epoch is a fresh permutation. A batch may span two epochs, so every sample is seen equally often. The
    order needs no saved state.
    """

    def __init__(
        self,
        samples: NDArray[Any],
        batch_size: int,
        seed: int,
        device: torch.device,
        labels: NDArray[np.int64] | None = None,
        scaling: Scaling = FROM_PIXELS,
        ranks: Ranks = ALONE,
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        """Load the samples into memory, or leave them in a mapped file (see `stored`).

        Args:
            samples: uint8 [n, height, width, channels]; or vectors, floats [n, columns].
            batch_size: Samples per batch.
            seed: The run's seed.
            device: Device of the returned batches.
            labels: int64 [n] for a class-conditional model, else None.
            scaling: Converts samples to the networks' input.
            ranks: Several processes get equal parts of each batch, in the order of their ranks.
            rows: Indices of the samples to use; None uses all.
        """
        self._device = device
        self._size = batch_size
        self._seed = seed
        self._count = len(samples) if rows is None else len(rows)
        self._samples = store(samples, scaling, device)
        on = self._samples.device
        self._labels = None if labels is None else torch.from_numpy(np.array(labels)).to(on)
        self._rows = None if rows is None else torch.from_numpy(rows)
        self._scaling = scaling
        self._ranks = ranks
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def __call__(self, step: int) -> Batch:
        """Return the batch of training step ``step``."""
        indices = self._indices(step)
        samples = self._samples(indices).to(self._device, non_blocking=True)
        self._samples.read_ahead(lambda: self._indices(step + 1))
        labels = None if self._labels is None else self._labels[indices].to(self._device, non_blocking=True)
        return Batch(self._scaling(samples, self._random(step)), labels)

    def _random(self, step: int) -> Tensor | None:
        """Return the random numbers of the scaling, a function of seed and step like the order."""
        if not self._scaling.drawn:
            return None
        mixed = np.random.SeedSequence([self._seed, step, 1]).generate_state(1, np.uint64)[0]
        generator = torch.Generator().manual_seed(int(mixed) >> 1)
        drawn = torch.rand(self._size, self._scaling.drawn, dtype=torch.float64, generator=generator)
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
            if self._rows is not None:
                order = self._rows[order]
            self._order, self._epoch = order.to(self._samples.device), epoch
        return self._order


class Parts(NamedTuple):
    """Sorted rows of the data used for training, and of those held out."""

    trained: NDArray[np.int64]
    held_out: NDArray[np.int64]


def parts(count: int, share: float, seed: int) -> Parts:
    """Hold out a share of the samples, chosen by the run's seed.

    Raises:
        DataError: One of the two parts would have fewer than 2 samples.
    """
    size = round(count * share)
    if size < 2 or count - size < 2:
        raise DataError(
            f"discriminator.held_out {share:g} of {count:,} samples leaves {count - size:,} to train on and"
            f" {size:,} to measure by, and each needs 2: --set discriminator.held_out=0"
        )
    order = np.random.default_rng([seed, 2]).permutation(count)
    return Parts(np.sort(order[size:]), np.sort(order[:size]))
