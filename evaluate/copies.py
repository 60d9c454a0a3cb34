"""The copy test: compares the distances to the nearest and the fifth-nearest training sample.

A copy lies much nearer to one training sample than to the next ones. The test therefore uses the ratio r of a
sample's distance to its nearest training sample to that to its fifth-nearest. The ratio depends neither on
how blurred a sample is, which changes both distances alike, nor on the scale of the space. How often a small
ratio occurs by chance is known without held-out data, because a training sample, compared with the others, is
a fresh draw to them. Chance differs from place to place, so each sample is compared with a training sample
from its own neighbourhood. A generator that draws one class too often is therefore not taken for one that
copies.

Samples with the same neighbour are one observation, as all samples of a collapsed generator may be. No
training sample is used twice, neither as the nearest one nor for comparison. The remaining pairs are
independent, and the surplus of small ratios is a sign test at several bounds of r, each with its part of a
total error rate of 0.5 %. The estimate is the surplus over the usual rate; its bounds are Clopper and
Pearson's.

The ratio is related to authenticity (Alaa et al., "How faithful is your synthetic data?", ICML 2022), which
compares with one neighbour's own nearest neighbour and has no error rate, and to Lowe's ratio test
("Distinctive image features from scale-invariant keypoints", 2004).

The test cannot detect copies so far from the original that their ratio is usual, copies of samples that the
training data contain five times or more, or a handful of training samples repeated over and over. In data in
which equal rows are common (a table of a few whole numbers), a copy cannot be distinguished from a
coincidence at all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .chance import even_p_value, share_bounds

SAMPLES = 1000
ERROR_RATE = 0.005
"""Probability that an honest model is called a copier, in all spaces together; nominal, since training
samples near to each other are not quite independent: benchmarks/evaluate_verdicts.py measures it."""
MOST_TRAINING = 100_000
"""Training images that are looked at; copies of others go unseen."""
_BOUNDS = (0.05, 0.2, 0.4, 0.6, 0.75)
_NEIGHBOUR = 5
_NEARBY = 15  # the last of the neighbours, after the fifth, that say what is usual
_MIN_TRAINING = 20
_COMMON = 0.02  # share of training samples that another one equals
_CHUNK = 100
_ROWS, _POINTS = 220, 2048  # of a block of distances


@dataclass(frozen=True)
class CopyTest:
    """The estimated share of samples that are copies of training samples, and its certainty."""

    space: str
    """Space of the distances: ``pixels``, ``vectors``, or the name of the features."""
    samples: int
    """Generated samples looked at."""
    training: int
    """Training samples that they were compared with; copies of others go unseen."""
    pairs: int
    """Independent pairs of a sample and a training sample of its neighbourhood."""
    copied: float
    """Estimated share of samples that are copies."""
    at_least: float
    """The share is above this with a confidence of 95 %."""
    at_most: float
    """The share is below this with a confidence of 95 %."""
    p_value: float
    """Probability of such a surplus in an honest model, times the number of bounds of r tried."""
    detectable: float
    """The smallest share of exact copies that would have been found; over 1 where none would."""

    @property
    def can_tell(self) -> bool:
        """True if the test would have detected that half of the samples are copies."""
        return self.detectable <= 0.5


def copy_test(
    samples: NDArray[np.float32],
    training: NDArray[np.float32],
    *,
    space: str,
    tests: int = 1,
    variants: Callable[[NDArray[np.int64]], NDArray[np.float32]] | None = None,
    seed: int = 0,
) -> CopyTest:
    """Look for copies of training samples.

    Args:
        samples: Generated samples, float32 [n, d]; or [n, v, d], each in v variants of which the nearest
            counts. The first 1,000 are used.
        training: The training samples, float32 [m, d].
        space: Name of the space.
        tests: Number of spaces in which tests are made; they share the error rate.
        variants: Returns training samples, by row, in the variants that ``samples`` has, [k, v, d].
        seed: Seed of the choice of training samples that determine the usual rate.

    Returns:
        The test. With fewer than 20 training samples, or if over 2 % of those used equal another one, it
        has no power, and its p-value is 1.
    """
    points = torch.from_numpy(np.ascontiguousarray(training))
    queries = torch.from_numpy(np.ascontiguousarray(samples[:SAMPLES]))
    blind = CopyTest(space, len(queries), len(points), 0, 0.0, 0.0, 1.0, 1.0, 2.0)
    if len(points) < _MIN_TRAINING:
        return blind
    found, neighbours, _ = _ratios(queries, points)
    mine, rows = _pairs(neighbours, np.random.default_rng(seed))
    others = torch.from_numpy(training[rows] if variants is None else variants(rows))
    usual, _, repeated = _ratios(others, points, own=torch.from_numpy(rows))
    if repeated > _COMMON:
        return blind
    pairs, alpha = len(rows), ERROR_RATE / (tests * len(_BOUNDS))
    small = [(found[mine] < bound, usual < bound) for bound in _BOUNDS]
    chances = [even_p_value(int((made & ~real).sum()), int((made != real).sum())) for made, real in small]
    least = [_detectable(pairs, float(real.mean()), alpha) for _, real in small]
    # The bound that says most: where a surplus is surest, or else where one would be seen soonest.
    best = int(np.argmin(chances) if min(chances) < alpha else np.argmin(least))
    made, real = float((found < _BOUNDS[best]).mean()), float(small[best][1].mean())
    low, high = share_bounds(round(made * pairs), pairs)
    usual_low, usual_high = share_bounds(round(real * pairs), pairs)
    return CopyTest(
        space=space,
        samples=len(found),
        training=len(points),
        pairs=pairs,
        copied=_surplus(made, real),
        at_least=_surplus(low, usual_high),
        at_most=_surplus(high, usual_low),
        p_value=min(1.0, min(chances) * len(_BOUNDS) * tests),
        detectable=min(least),
    )


def _pairs(
    neighbours: NDArray[np.int64], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return samples with different nearest neighbours, each with a different training sample nearby."""
    order = random.permutation(len(neighbours))
    _, first = np.unique(neighbours[order, 0], return_index=True)
    taken: set[int] = set()
    mine, rows = [], []
    for sample in order[np.sort(first)]:
        near = random.permutation(neighbours[sample, _NEIGHBOUR:])
        free = next((int(row) for row in near if int(row) not in taken), None)
        if free is not None:
            taken.add(free)
            mine.append(sample)
            rows.append(free)
    return np.array(mine, np.int64), np.array(rows, np.int64)


def _surplus(share: float, usual: float) -> float:
    return max(0.0, (share - usual) / (1 - usual)) if usual < 1 else 0.0


def _ratios(
    queries: Tensor, points: Tensor, own: Tensor | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64], float]:
    """Return ratios [n], nearest points [n, up to 15], and the share of queries that equal a point.

    ``own`` has one point for each query, which is excluded.
    """
    # Variants are many and of norm 1: float32 keeps enough of their distances in a quarter of the time.
    exact = queries.ndim == 2
    kind, least = (torch.float64, 1e-12) if exact else (torch.float32, 1e-6)
    centre = points.to(kind).mean(0)
    points = points.to(kind) - centre
    norms = points.square().sum(1)
    count = min(_NEARBY, len(points) - 1)
    ratios, neighbours, equal = [], [], 0
    for first in range(0, len(queries), _CHUNK):
        some = queries[first : first + _CHUNK].to(kind) - centre
        if exact:
            some = some[:, None]
        squares = _nearest_variant(some, points, norms)
        if own is not None:
            squares[torch.arange(len(some)), own[first : first + _CHUNK]] = torch.inf
        near, rows = squares.topk(count, largest=False)
        neighbours.append(rows.numpy())
        scale = some.square().sum(2).mean()
        near = near.where(near > least * scale, 0).double()  # what cancellation leaves of equal ones
        equal += int((near[:, 0] == 0).sum())
        far = near[:, _NEIGHBOUR - 1]
        ratios.append((near[:, 0] / far.clamp(min=1e-300)).where(far > 0, 1.0).sqrt().numpy())
    return np.concatenate(ratios), np.concatenate(neighbours), equal / len(queries)


def _nearest_variant(queries: Tensor, points: Tensor, norms: Tensor) -> Tensor:
    """Return squared distances [n, m] of queries [n, v, d] to points [m, d], the minimum over the v variants.

    It works in blocks that fit into a processor's cache, because moving numbers would otherwise take most of
    the time.
    """
    squares = queries.new_empty(len(queries), len(points))
    size = max(1, _ROWS // queries.shape[1])
    for some, found in zip(queries.split(size), squares.split(size), strict=True):
        flat, own = -2 * some.flatten(0, 1), some.square().sum(2, keepdim=True)
        for first in range(0, len(points), _POINTS):
            block = slice(first, first + _POINTS)
            products = torch.addmm(norms[block], flat, points[block].T).view(*some.shape[:2], -1)
            torch.amin(products.add_(own), 1, out=found[:, block])
    return squares


def _detectable(pairs: int, usually: float, alpha: float) -> float:
    """Return the smallest share of copies that the test detects on average, by bisection."""
    apart = usually * (1 - usually)  # of the pairs have a small ratio on one side, by chance

    def found(copies: float) -> bool:
        more, fewer = int(pairs * (copies * (1 - usually) + (1 - copies) * apart)), int(pairs * apart)
        return even_p_value(more, more + fewer) < alpha

    if not found(1.0):
        return 2.0
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high
