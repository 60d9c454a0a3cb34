"""Shares, and what chance makes of them, in exact arithmetic."""

import math
from collections.abc import Callable


def even_p_value(heads: int, throws: int) -> float:
    """Probability of ``heads`` or more when a fair coin is thrown ``throws`` times: the sign test."""
    return _at_least(heads, throws, 0.5) if heads else 1.0


def share_bounds(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of a share (Biometrika 1934), each side on its own.

    Args:
        hits: Cases among ``trials``.
        trials: At least 1.
        confidence: With which the share is above the lower bound, and with which it is below the upper.
    """
    rare = 1 - confidence
    lower = 0.0 if hits == 0 else _solve(lambda share: _at_least(hits, trials, share) - rare)
    upper = 1.0 if hits == trials else _solve(lambda share: rare - 1 + _at_least(hits + 1, trials, share))
    return lower, upper


def _at_least(hits: int, trials: int, share: float) -> float:
    """Probability of ``hits`` or more of ``trials``."""
    if share <= 0 or share >= 1:
        return float(share >= 1)
    odds = (math.log(share), math.log1p(-share))
    return min(
        1.0,
        math.fsum(
            math.exp(_log_choose(trials, k) + k * odds[0] + (trials - k) * odds[1])
            for k in range(hits, trials + 1)
        ),
    )


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) if 0 <= k <= n else -math.inf


def _solve(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
