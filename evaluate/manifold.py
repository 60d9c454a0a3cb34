"""Precision, recall, density and coverage, which separate quality and variety.

Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", NeurIPS 2019,
section 2, and Naeem et al., "Reliable fidelity and diversity metrics for generative models", ICML 2020,
section 3. The manifold of a set is the union of balls around its vectors, each of which reaches to the k-th
nearest neighbour. A vector on the edge of a ball is outside it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .neighbours import radii, squared_distances

K = 5
"""Neighbours: the choice of Naeem et al.; Kynkäänniemi et al. take 3."""


@dataclass(frozen=True)
class Manifold:
    """Four scores, each (value, standard error)."""

    precision: tuple[float, float]
    """Share of generated vectors inside the real manifold."""
    recall: tuple[float, float]
    """Share of real vectors inside the generated manifold."""
    density: tuple[float, float]
    """Real balls that a generated vector lies in, over k: 1 on average for the real distribution,
    and above 1 where samples crowd where data is dense."""
    coverage: tuple[float, float]
    """Share of real balls with a generated vector in them."""


def manifold_scores(
    reals: NDArray[np.float32],
    fakes: NDArray[np.float32],
    *,
    k: int = K,
    real_radii: NDArray[np.float64] | None = None,
) -> Manifold:
    """Score generated features [m, d] against real ones [n, d]; both need more than k vectors.

    The standard errors are those of the means over vectors, with fixed manifolds.

    Args:
        reals: The real features.
        fakes: The generated features.
        k: Number of neighbours.
        real_radii: Result of `radii` for the real features, if already computed.
    """
    within_real = radii(reals, k) if real_radii is None else real_radii
    within_fake = radii(fakes, k)
    balls = np.zeros(len(fakes))
    recalled = np.zeros(len(reals), dtype=bool)
    nearest_fake = np.full(len(reals), np.inf)
    done = 0
    for chunk in squared_distances(fakes, reals):
        distances = chunk.numpy()
        here = slice(done, done + len(distances))
        balls[here] = (distances < within_real).sum(1)
        recalled |= (distances < within_fake[here, None]).any(0)
        np.minimum(nearest_fake, distances.min(0), out=nearest_fake)
        done += len(distances)
    return Manifold(
        precision=_mean(balls > 0),
        recall=_mean(recalled),
        density=_mean(balls / k),
        coverage=_mean(nearest_fake < within_real),
    )


def _mean(values: NDArray[np.generic]) -> tuple[float, float]:
    numbers = values.astype(np.float64)
    return float(numbers.mean()), float(numbers.std(ddof=1) / np.sqrt(len(numbers)))
