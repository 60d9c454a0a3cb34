"""Test if samples are biased towards the training images, by nearest neighbours in training and held-out
images.

Copies have their own test (`copies`). This one detects a generator that is drawn to its training data without
repeating them, and needs held-out data. If the generator treats training and held-out samples alike, the side
of a sample's nearest neighbour is a fair coin, but samples with the same neighbour share the coin. The
p-value is therefore that of a permutation test in which neighbours keep their samples and are assigned to
sides at random. (The three-sample test of Meehan, Chaudhuri, Dasgupta, "A non-parametric test to detect
data-copying in generative models", AISTATS 2020, compares d(sample, train) with d(held out, train) instead,
which a collapsed or blurred generator fails without copying.)
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import adaptive_avg_pool2d

from .neighbours import nearest

SAMPLES = 1000
MAX_REALS = 10_000
_PERMUTATIONS = 10_000
_MAX_SIDE = 32


@dataclass(frozen=True)
class NeighbourTest:
    """Distances of samples to their nearest training and their nearest held-out image."""

    space: str
    """Space of the distances: ``pixels``, or the name of the features."""
    samples: int
    """Generated samples looked at."""
    reals: int
    """Training images, and as many held-out images, that they were compared with."""
    nearer_to_training: float
    """Share of samples whose nearest real image is a training image; 0.5 without memorisation."""
    median_ratio: float
    """Median of d(sample, training) / d(sample, held out); 1 without memorisation."""
    p_value: float
    """Probability of so large a share of samples nearer to training images, if sides were by chance."""
    relative_distance: float
    """Median d(sample, training) over median d(held out, training): 1 where samples lie among the data
    as held-out images do. Far outside it, all samples have the same few neighbours, and being nearer
    to one side means nothing."""


def neighbour_test(
    samples: NDArray[np.float32],
    training: NDArray[np.float32],
    held_out: NDArray[np.float32],
    *,
    space: str,
    seed: int = 0,
) -> NeighbourTest:
    """Compare vectors of samples [n, d] with equally many training and held-out images.

    Args:
        samples: Generated samples; the first 1,000 are used.
        training: All training images of the generator.
        held_out: Images of the same kind that it never saw.
        space: Name of the vectors' space.
        seed: Seed of the choice of images if there are more than needed.
    """
    random = np.random.default_rng(seed)
    samples = samples[:SAMPLES]
    # Equal rows among the held-out ones would leave fewer places to be near to.
    training, held_out = (
        _different(_some(part, min(len(part), MAX_REALS), random)) for part in (training, held_out)
    )
    count = min(len(training), len(held_out))
    mine, other = _some(training, count, random), _some(held_out, count, random)
    (near, places), (far, others) = nearest(samples, mine), nearest(samples, other)
    to_training, to_held_out = near[:, 0], far[:, 0]
    usual = nearest(_some(other, min(count, SAMPLES), random), mine)[0][:, 0]
    tiny = 1e-9 * max(float(to_held_out.max()), 1e-9)  # an exact copy of both would be 0 / 0
    ratio = (to_training + tiny) / (to_held_out + tiny)
    nearer = (ratio < 1) + 0.5 * (ratio == 1)
    neighbour = np.where(ratio <= 1, places[:, 0], count + others[:, 0])
    return NeighbourTest(
        space=space,
        samples=len(samples),
        reals=count,
        nearer_to_training=float(nearer.mean()),
        median_ratio=float(np.median(ratio)),
        p_value=_p_value(nearer, neighbour, random),
        relative_distance=float(np.median(to_training) / max(float(np.median(usual)), 1e-9)),
    )


def _different(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each distinct row once."""
    first = {row.tobytes(): place for place, row in reversed(list(enumerate(vectors)))}
    return vectors[sorted(first.values())]


def _p_value(nearer: NDArray[np.float64], neighbour: NDArray[np.int64], random: np.random.Generator) -> float:
    """Return how often random sides of neighbours give at least as many samples to the training side."""
    _, place = np.unique(neighbour, return_inverse=True)
    weights = np.bincount(place, weights=np.where(nearer == 0.5, 0.0, 1.0))
    level = float(nearer.sum()) - 0.5 * float((nearer == 0.5).sum())
    parts = (random.integers(0, 2, (1000, len(weights))) @ weights for _ in range(_PERMUTATIONS // 1000))
    drawn = np.concatenate(list(parts))
    return float((1 + (drawn >= level - 1e-9).sum()) / (1 + _PERMUTATIONS))


def pixel_vectors(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images uint8 [n, h, w, c] as vectors of pixels, float32, 0 to 255.

    Larger images are averaged down to 32 pixels a side.
    """
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
