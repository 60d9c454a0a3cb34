"""Test if samples are further from the data than real images are, and by how much.

For a perfect model, samples and unseen real images would be exchangeable. The null distribution of the
difference of their Fréchet distances to the real images therefore comes from assigning the sides at random (a
permutation test), with both sizes as they are. With large sets any model fails that test, so the size of the
surplus also counts, as a share of the data's own spread, the trace of the features' covariance. A model that
always draws one average image has a share of 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PERMUTATIONS = 400
_MOST = 5000  # on each side
_MOST_REAL = 20_000
_AXES = 64


@dataclass(frozen=True)
class SurplusTest:
    """The distance of samples beyond that of real images."""

    samples: int
    """Samples, and as many unseen real images, that were compared."""
    surplus: float
    """Fréchet distance of samples less that of unseen real images, as a share of the data's spread."""
    ratio: float
    """The one over the other, of as many images each."""
    p_value: float
    """Probability of so large a surplus, if samples were real images."""
    detectable: float
    """The smallest surplus that would have been found."""


def surplus_test(
    samples: NDArray[np.float32],
    unseen: NDArray[np.float32],
    reals: NDArray[np.float32],
    *,
    error_rate: float,
    seed: int = 0,
) -> SurplusTest:
    """Compare the distances of two sets from a third, all float32 [n, d], n at least 10.

    Args:
        samples: Generated samples.
        unseen: Real samples that are as new to the features as generated ones.
        reals: Real samples to which distances are measured.
        error_rate: Error rate of the test, for which ``detectable`` is computed.
        seed: Seed of the choice of rows and of the permutations.
    """
    random = np.random.default_rng(seed)
    count = min(len(samples), len(unseen), _MOST)
    real = _some(reals, _MOST_REAL, random).astype(np.float64)
    centre = real.mean(0)
    axes = _axes(real - centre)
    real = (real - centre) @ axes
    both = [_some(part, count, random).astype(np.float64) for part in (samples, unseen)]
    pool = (np.concatenate(both) - centre) @ axes
    distance = _Distance(real)
    total = (pool.sum(0), pool.T @ pool)

    def apart(rows: NDArray[np.int64]) -> tuple[float, float]:
        some = pool[rows]
        first = (some.sum(0), some.T @ some)
        return distance(*first, count), distance(total[0] - first[0], total[1] - first[1], count)

    mine, other = apart(np.arange(count))
    drawn = np.array(
        [np.subtract(*apart(random.permutation(2 * count)[:count])) for _ in range(_PERMUTATIONS)]
    )
    spread = max(float(real.var(0).sum()), 1e-12)
    return SurplusTest(
        samples=count,
        surplus=(mine - other) / spread,
        ratio=mine / max(other, 1e-12 * spread),
        p_value=float((1 + (drawn >= mine - other).sum()) / (1 + _PERMUTATIONS)),
        detectable=float(np.quantile(drawn, 1 - error_rate)) / spread,
    )


class _Distance:
    """Fréchet distances to real rows from sums and sums of squares, fast enough for hundreds of them."""

    def __init__(self, reals: NDArray[np.float64]) -> None:
        self._mean = reals.mean(0)
        covariance = np.atleast_2d(np.cov(reals.T))
        values, vectors = np.linalg.eigh(covariance)
        self._root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
        self._trace = float(np.trace(covariance))

    def __call__(self, sums: NDArray[np.float64], squares: NDArray[np.float64], count: int) -> float:
        mean = sums / count
        covariance = (squares - count * np.outer(mean, mean)) / (count - 1)
        both = np.linalg.eigvalsh(self._root @ covariance @ self._root)
        shared = float(np.sqrt(both.clip(min=0)).sum())
        return (
            float(((mean - self._mean) ** 2).sum()) + self._trace + float(np.trace(covariance)) - 2 * shared
        )


def _axes(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first 64 principal axes, or all if there are fewer."""
    _, vectors = np.linalg.eigh(np.atleast_2d(np.cov(centred.T)))
    axes: NDArray[np.float64] = vectors[:, ::-1][:, :_AXES]
    return axes


def _some(rows: NDArray[np.float32], most: int, random: np.random.Generator) -> NDArray[np.float32]:
    return rows if len(rows) <= most else rows[random.permutation(len(rows))[:most]]
