"""Schedules of dropout: the share of its probability that applies, over a run."""

from collections.abc import Callable

DROPOUT_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "early": lambda progress: 1.0 if progress < 0.5 else 0.0,
    "late": lambda progress: 0.0 if progress < 0.5 else 1.0,
    "linear": lambda progress: 1.0 - progress,
}
"""From the share of the run that is done, 0 to below 1, to the share of the probability. Early against
underfitting, late against overfitting: Liu et al., "Dropout reduces underfitting", ICML 2023."""
