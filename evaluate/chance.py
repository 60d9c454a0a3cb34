"""Statistical tests and intervals of shares and ranks."""

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray


def even_p_value(heads: int, throws: int) -> float:
    """Return the probability of ``heads`` or more in ``throws`` of a fair coin (the sign test)."""
    return _at_least(heads, throws, 0.5) if heads else 1.0


def share_bounds(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Clopper and Pearson's exact interval of a share (Biometrika 1934), each bound one-sided.

    Args:
        hits: Number of hits among ``trials``.
        trials: At least 1.
        confidence: Confidence of each bound by itself.
    """
    rare = 1 - confidence
    lower = 0.0 if hits == 0 else _solve(lambda share: _at_least(hits, trials, share) - rare)
    upper = 1.0 if hits == trials else _solve(lambda share: rare - 1 + _at_least(hits + 1, trials, share))
    return lower, upper


def rank_test(mine: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """Return the share of pairs in which ``mine`` is larger (ties count half), and the two-sided p-value.

    This is Mann and Whitney's test in its normal approximation with ties.
    """
    both = np.concatenate((mine, other))
    _, place, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n, m = len(mine), len(other)
    share = (float(ranks[:n].sum()) - n * (n + 1) / 2) / (n * m)
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / ((n + m) * max(n + m - 1, 1))
    deviation = math.sqrt(max((n + m + 1 - ties) / (12 * n * m), 0.0))
    return share, math.erfc(abs(share - 0.5) / deviation / math.sqrt(2)) if deviation else 1.0


def detectable_share(count: int, other: int, error_rate: float) -> float:
    """Return the smallest share of pairs, above a half, that `rank_test` detects between this many values
    without ties; over 1 if it detects none."""
    deviation = math.sqrt((count + other + 1) / (12 * count * other))
    return 0.5 + NormalDist().inv_cdf(1 - error_rate / 2) * deviation


def fewer_p_value(hits: int, trials: int, other_hits: int, other_trials: int) -> float:
    """Return the probability of ``hits`` or fewer if both shares were equal: Fisher's exact test,
    one-sided.
    """
    total, drawn = trials + other_trials, hits + other_hits
    whole = _log_choose(total, drawn)
    return min(
        1.0,
        math.fsum(
            math.exp(_log_choose(trials, k) + _log_choose(other_trials, drawn - k) - whole)
            for k in range(max(0, drawn - other_trials), hits + 1)
        ),
    )


def unequal_p_value(counts: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return the probability of counts that differ as much, if both were drawn from the same shares.

    Pearson's chi-squared test of homogeneity, for two kinds with Yates's correction for continuity.

    Args:
        counts: int64 [kinds], how often each kind was drawn; not all 0.
        other: The same of other draws.
    """
    table = np.stack((counts, other)).astype(np.float64)
    table = table[:, table.any(0)]
    if table.shape[1] < 2:
        return 1.0
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    gap = np.abs(table - expected)
    gap -= np.minimum(0.5, gap) * (table.shape[1] == 2)
    statistic = float((gap**2 / expected).sum())
    half_freedom, half = (
        torch.tensor(value / 2, dtype=torch.float64) for value in (table.shape[1] - 1, statistic)
    )
    return float(torch.special.gammaincc(half_freedom, half))


def _at_least(hits: int, trials: int, share: float) -> float:
    """Return the probability of ``hits`` or more of ``trials``."""
    if share <= 0 or share >= 1:
        return float(share >= 1)
    k = np.arange(hits, trials + 1)
    logs = _log_factorials(trials)
    chances = (
        logs[trials] - logs[k] - logs[trials - k] + k * math.log(share) + (trials - k) * math.log1p(-share)
    )
    return min(1.0, float(np.exp(chances).sum()))


@cache
def _log_factorials(most: int) -> NDArray[np.float64]:
    """Return the logarithms of the factorials of 0 to ``most``."""
    return np.concatenate(([0.0], np.log(np.arange(1, most + 1)).cumsum()))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) if 0 <= k <= n else -math.inf


def _solve(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
