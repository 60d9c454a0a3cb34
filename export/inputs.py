"""The inputs of a generator for measurements: the latents and labels of the streams."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from dropgan.serve.labels import LabelStream
from dropgan.serve.latents import LatentStream

Feed = dict[str, NDArray[Any]]
"""``latents`` float32 [n, latent_dim] and, of a class-conditional generator, ``labels`` int64 [n]: by
the names that the file's inputs have and in their order."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of a generator.

    Attributes:
        latent_dim: Components of a latent.
        classes: Number of classes, 0 without labels.
    """

    latent_dim: int
    classes: int = 0

    def __call__(self, count: int, *, seed: int, start: int = 0) -> Feed:
        """Return the inputs of samples ``start`` to ``start + count - 1`` of ``seed``."""
        feed: Feed = {"latents": LatentStream(self.latent_dim)(count, seed=seed, start=start)}
        if self.classes:
            feed["labels"] = LabelStream(self.classes)(count, seed=seed, start=start)
        return feed


def rows(feed: Feed, first: int, count: int) -> Feed:
    """Return ``count`` samples of a feed from sample ``first`` on."""
    return {name: values[first : first + count] for name, values in feed.items()}
