"""Random numbers of a training step: each kind from a stream of its own, a function of (seed, step).

So runs that differ in the probability of dropout alone see the same latents, data and augmentations, and
nothing of a random generator needs saving.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """What random numbers are for."""

    LATENTS = 0
    MASKS = 1
    """Masks of dropout, and whatever else a network or a penalty draws from torch's global generator."""
    AUGMENTATION = 2


@dataclass(frozen=True)
class Streams:
    """The streams of a run's seed.

    Attributes:
        seed: The run's.
        attempt: How often training has gone back to a checkpoint; each time has other numbers.
    """

    seed: int
    attempt: int

    def generator(self, stream: Stream, number: int, rank: int = 0) -> torch.Generator:
        """A CPU generator at the beginning of what belongs to a step.

        Drawn on the CPU, numbers are the same whatever the device.

        Args:
            stream: What the numbers are for.
            number: Of the step, or of the discriminator's update.
            rank: Of the process, where each draws its own.
        """
        return torch.Generator().manual_seed(self._mixed(stream, number, rank))

    def seed_masks(self, step: int, rank: int) -> None:
        """Seed torch's global generators for a step; the masks of each process differ, as its rows do."""
        torch.manual_seed(self._mixed(Stream.MASKS, step, rank))

    def _mixed(self, stream: Stream, number: int, rank: int) -> int:
        words = np.random.SeedSequence([self.seed, stream, self.attempt, number, rank])
        return int(words.generate_state(1, np.uint64)[0]) >> 1
