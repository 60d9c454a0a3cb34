"""Random numbers of a training step: a separate stream for each kind, as a function of (seed, step).

Runs that differ only in the probability of dropout therefore see the same latents, data and augmentations,
and no state of a random generator must be saved.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """The use of random numbers."""

    LATENTS = 0
    MASKS = 1
    """Masks of dropout, and whatever else a network or a penalty draws from torch's global generator."""
    AUGMENTATION = 2


@dataclass(frozen=True)
class Streams:
    """The random streams of a run's seed.

    Attributes:
        seed: Seed of the run.
        attempt: Number of rollbacks. Each gives other random numbers.
    """

    seed: int
    attempt: int

    def generator(self, stream: Stream, number: int, rank: int = 0) -> torch.Generator:
        """Return a CPU generator at the start of a step's numbers.

        They are drawn on the CPU, so they do not depend on the device.

        Args:
            stream: Use of the numbers.
            number: Number of the step, or of the discriminator's update.
            rank: Rank of the process, if each draws its own numbers.
        """
        return torch.Generator().manual_seed(self._mixed(stream, number, rank))

    def seed_masks(self, step: int, rank: int) -> None:
        """Seed torch's global generators for a step. Each process has different masks, as it has different
        rows.
        """
        torch.manual_seed(self._mixed(Stream.MASKS, step, rank))

    def _mixed(self, stream: Stream, number: int, rank: int) -> int:
        words = np.random.SeedSequence([self.seed, stream, self.attempt, number, rank])
        return int(words.generate_state(1, np.uint64)[0]) >> 1
