"""Two published measures of memorisation besides the copy test: authenticity and C_T.

- *Authenticity* (AuthPct; Alaa et al., "How faithful is your synthetic data?", ICML 2022, section 4.3): the
  share of samples that are further from their nearest training sample than that one is from its own nearest.
- *C_T* (Meehan, Chaudhuri, Dasgupta, "A non-parametric test to detect data-copying in generative models",
  AISTATS 2020): a Mann-Whitney statistic, in standard deviations, that tests if samples are nearer to the
  training samples than held-out ones are; below 0 means nearer. It is computed in the cells of a clustering
  of the training samples and averaged by their sizes. Values under about -3 are called copying.

Neither is a rule of the verdict. Authenticity has no error rate: its usual value depends on the data, so it
means something only in comparison with real samples. C_T is as far below 0 for samples that concentrate in
the middle of the data (blurred, or of few kinds) as for copies.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chance import rank_test
from .copies import MOST_TRAINING, SAMPLES
from .neighbours import nearest

AUTHENTICITY, C_T = "authenticity", "c_t"
_CELLS, _IN_A_CELL = 10, 25  # cells at most, and images of each kind that one needs
_ROUNDS = 10
_CLUSTERED = 10_000


@dataclass(frozen=True)
class Closeness:
    """The closeness of samples to training samples."""

    samples: int
    """Samples that were looked at."""
    training: int
    """Training samples that they were compared with."""
    authenticity: tuple[float, float]
    """Share of samples that are authentic, and its standard error."""
    c_t: tuple[float, float] | None
    """C_T and what it varies by chance; None without held-out samples, or with too few."""


def closeness(
    samples: NDArray[np.float32],
    training: NDArray[np.float32],
    held_out: NDArray[np.float32] | None = None,
    *,
    seed: int = 0,
) -> Closeness:
    """Measure how close samples are to training samples.

    Args:
        samples: float32 [n, d]; the first 1,000 are used.
        training: float32 [m, d], m at least 2; at most 100,000 of them are drawn.
        held_out: float32 [k, d] of the same kind, which the model never saw; up to 1,000 are drawn.
        seed: Seed of the draws and of the clustering.
    """
    random = np.random.default_rng(seed)
    samples, training = samples[:SAMPLES], _drawn(training, MOST_TRAINING, random)
    distances, rows = nearest(samples, training)
    near, place = distances[:, 0], rows[:, 0]
    own, inverse = np.unique(place, return_inverse=True)
    apart = nearest(training[own], training, 2)[0][:, 1][inverse]
    share = float((near > apart).mean())
    error = math.sqrt(share * (1 - share) / len(near))
    statistic = None
    if held_out is not None:
        others = _drawn(held_out, SAMPLES, random)
        statistic = _c_t(samples, near, others, nearest(others, training)[0][:, 0], training, random)
    return Closeness(len(samples), len(training), (share, error), statistic)


def _c_t(
    samples: NDArray[np.float32],
    near: NDArray[np.float64],
    others: NDArray[np.float32],
    usual: NDArray[np.float64],
    training: NDArray[np.float32],
    random: np.random.Generator,
) -> tuple[float, float] | None:
    """Return the weighted mean of the cells' statistics, and its standard deviation under the null
    hypothesis.
    """
    some = _drawn(training, _CLUSTERED, random)
    centres = _centres(some, max(1, min(_CELLS, len(others) // (2 * _IN_A_CELL))), random)
    mine, theirs, sizes = (nearest(side, centres)[1][:, 0] for side in (samples, others, some))
    found = []
    for cell in range(len(centres)):
        one, other = near[mine == cell], usual[theirs == cell]
        if min(len(one), len(other)) >= _IN_A_CELL:
            found.append((float((sizes == cell).mean()), _deviations(one, other)))
    if not found:
        return None
    weights, values = np.array(found).T
    weights = weights / weights.sum()
    return float(weights @ values), float(np.sqrt(np.square(weights).sum()))


def _deviations(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Mann and Whitney's statistic in standard deviations, below 0 if ``one`` is smaller."""
    n, m = len(one), len(other)
    return (rank_test(one, other)[0] - 0.5) / math.sqrt((n + m + 1) / (12 * n * m))


def _centres(rows: NDArray[np.float32], count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return the means of clusters (Lloyd's k-means)."""
    centres = rows[random.permutation(len(rows))[:count]]
    for _ in range(_ROUNDS):
        cell = nearest(rows, centres)[1][:, 0]
        centres = np.stack(
            [
                rows[cell == place].mean(0) if (cell == place).any() else centres[place]
                for place in range(count)
            ]
        )
    return centres


def _drawn(rows: NDArray[np.float32], most: int, random: np.random.Generator) -> NDArray[np.float32]:
    return rows if len(rows) <= most else rows[np.sort(random.permutation(len(rows))[:most])]
