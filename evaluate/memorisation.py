"""Whether a generator repeats its training images: nearest neighbours, train against held out.

A sample that is nearer to a training image than to any of as many held-out images says little: for
half the samples of an honest generator that is so. What tells is the ratio r of the two distances.
It does not depend on how blurred or how typical a sample is, which moves both distances alike, and
under the hypothesis that training and held-out images are alike to the generator it is symmetric:
r < 1/2 as often as r > 2. What r < 1/2 has in excess are copies. (The three-sample test of Meehan,
Chaudhuri, Dasgupta, "A non-parametric test to detect data-copying in generative models", AISTATS
2020, compares d(sample, train) with d(held out, train) instead, which a collapsed or blurred
generator fails without copying.)
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import adaptive_avg_pool2d

from .neighbours import nearest

SAMPLES = 1000
MAX_REALS = 10_000
COPY_RATIO = 0.5
_MAX_SIDE = 32


@dataclass(frozen=True)
class NeighbourTest:
    """Distances of samples to their nearest training and their nearest held-out image."""

    space: str
    """What distances are taken in: ``pixels``, or the name of the features."""
    samples: int
    """Generated samples looked at."""
    reals: int
    """Training images, and as many held-out images, that they were compared with."""
    nearer_to_training: float
    """Share of samples whose nearest real image is a training image; 0.5 without memorisation."""
    median_ratio: float
    """Median of d(sample, training) / d(sample, held out); 1 without memorisation."""
    copies: float
    """Share of samples with a ratio under 1/2."""
    mirrored: float
    """Share with a ratio over 2: what ``copies`` would be by chance."""
    relative_distance: float
    """Median d(sample, training) over median d(held out, training): 1 where samples lie among the data
    as held-out images do. Far outside it, all samples have the same few neighbours, and being nearer
    to one side means nothing."""
    training_share: float
    """Share of the training images that ``reals`` is; copies of the others go unseen."""

    @property
    def copied(self) -> float:
        """Estimated share of samples that are copies of training images, 0 to 1."""
        return min(1.0, max(0.0, self.copies - self.mirrored) / self.training_share)


def neighbour_test(
    samples: NDArray[np.float32],
    training: NDArray[np.float32],
    held_out: NDArray[np.float32],
    *,
    space: str,
    seed: int = 0,
) -> NeighbourTest:
    """Compare vectors of samples [n, d] with equally many of training and held-out images.

    Args:
        samples: Generated; the first 1,000 are looked at.
        training: What the generator was trained on, all of it.
        held_out: Images of the same kind that it never saw.
        space: Name of the vectors' space.
        seed: Of the choice of images where there are more than needed.
    """
    random = np.random.default_rng(seed)
    samples = samples[:SAMPLES]
    count = min(len(training), len(held_out), MAX_REALS)
    mine, other = _some(training, count, random), _some(held_out, count, random)
    to_training, to_held_out = (nearest(samples, reals)[0][:, 0] for reals in (mine, other))
    usual = nearest(_some(other, min(count, SAMPLES), random), mine)[0][:, 0]
    tiny = 1e-9 * max(float(to_held_out.max()), 1e-9)  # an exact copy of both would be 0 / 0
    ratio = (to_training + tiny) / (to_held_out + tiny)
    ties = ratio == 1
    return NeighbourTest(
        space=space,
        samples=len(samples),
        reals=count,
        nearer_to_training=float(((ratio < 1) + 0.5 * ties).mean()),
        median_ratio=float(np.median(ratio)),
        copies=float((ratio < COPY_RATIO).mean()),
        mirrored=float((ratio > 1 / COPY_RATIO).mean()),
        relative_distance=float(np.median(to_training) / max(float(np.median(usual)), 1e-9)),
        training_share=count / len(training),
    )


def pixel_vectors(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images uint8 [n, h, w, c] as vectors of pixels float32, 0 to 255; larger ones are averaged down
    to 32 pixels a side."""
    height, width = images.shape[1:3]
    if max(height, width) <= _MAX_SIDE:
        return images.reshape(len(images), -1).astype(np.float32)
    scale = _MAX_SIDE / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    parts = []
    for first in range(0, len(images), 250):
        part = torch.from_numpy(np.array(images[first : first + 250])).permute(0, 3, 1, 2).float()
        parts.append(adaptive_avg_pool2d(part, size).flatten(1).numpy())
    return np.concatenate(parts)


def _some(vectors: NDArray[np.float32], count: int, random: np.random.Generator) -> NDArray[np.float32]:
    if count == len(vectors):
        return vectors
    return vectors[random.choice(len(vectors), count, replace=False)]
