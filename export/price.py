"""The cost of a precision: the score of the file compared with that of the float32 file of the
same weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.card import PriceCard, ScoreCard
from dropgan.serve.errors import DropganError

MAX_SHARE, MAX_DIFFERENCE = 0.03, 0.1
"""A score may be worse by this share of the float32 file's, or by this much, whichever is more."""


class PriceError(DropganError):
    """A precision worsens the score more than allowed."""


@dataclass(frozen=True)
class Scorer:
    """A score of pixels as deployed; lower is better.

    Attributes:
        name: Name of the score, including its feature network.
        reference: The data to compare with.
        samples: Number of generated samples.
        seed: Seed of their latents.
        distance: The score of uint8 images [n, height, width, channels].
    """

    name: str
    reference: str
    samples: int
    seed: int
    distance: Callable[[NDArray[Any]], float]

    def __call__(self, model: bytes) -> float:
        """Score a model file as deployed, sampled through the light runtime on the CPU."""
        return self.distance(Generator(model, device="cpu").sample(self.samples, seed=self.seed))

    def card(self, value: float) -> ScoreCard:
        """Return a score for the card."""
        return ScoreCard(self.name, value, self.samples, self.reference)

    def price(self, value: float, fp32: float) -> PriceCard:
        """Return the cost of a precision, for the card."""
        return PriceCard(self.name, value, fp32, self.samples, self.reference)


def within_budget(value: float, fp32: float) -> bool:
    """Return True if a score is close enough to that of the float32 file."""
    return value - fp32 <= max(MAX_SHARE * fp32, MAX_DIFFERENCE)
