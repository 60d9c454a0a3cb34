"""Whether samples are further from the data than real images are, and by how much.

If a model were perfect, its samples and unseen real images would be alike, and which of both an image
belongs to would be a coin. So the difference of their Fréchet distances to the real images has a null
distribution that is had by drawing the sides anew (a permutation test), with both sizes as they are.
With large sets any model fails that test, so that what counts besides is how much: the surplus as a
share of the data's own spread, the trace of the features' covariance. A model that draws one average
image has a share of 1.
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
    """Compare how far two sets are from a third, all float32 [n, d], n at least 10.

    Args:
        samples: Generated.
        unseen: Real, and new to the features as samples are.
        reals: Real, what distances are to.
        error_rate: Of the test; ``detectable`` is for it.
        seed: Of the choice of rows and of the permutations.
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
    """Fréchet distances to real rows, from sums and sums of squares: quick enough for hundreds."""

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
    """The first 64 principal axes, or all where there are no more."""
    _, vectors = np.linalg.eigh(np.atleast_2d(np.cov(centred.T)))
    axes: NDArray[np.float64] = vectors[:, ::-1][:, :_AXES]
    return axes


def _some(rows: NDArray[np.float32], most: int, random: np.random.Generator) -> NDArray[np.float32]:
    return rows if len(rows) <= most else rows[random.permutation(len(rows))[:most]]
