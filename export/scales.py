"""Scales of bytes that keep an int8 file's arithmetic exact, whoever computes it.

A runtime may multiply the bytes as whole numbers, or turn them back into float32 and multiply those;
processors differ in it, and so do a runtime's optimised and plain graphs. The two agree to the bit
where nothing is rounded on the way. So scales have few binary digits: products of two of them and
sums of such products are then whole multiples of one unit, fewer than 2^24 of it, which float32 holds
exactly. What a layer reads has a power of two, and so a sum becomes bytes again by an exact factor.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 255
_LEAST = 0.4


@dataclass(frozen=True)
class Range:
    """How an activation becomes bytes: ``q = round(x / scale) + zero``, kept to 0 to 255."""

    scale: float
    zero: int


def short_numbers(low: float, high: float, digits: int) -> NDArray[np.float64]:
    """The numbers of that many binary digits between ``low`` and ``high``, above 0, ends included."""
    first, last = int(np.floor(np.log2(low))), int(np.ceil(np.log2(high)))
    leading = np.arange(2 ** (digits - 1), 2**digits) / 2.0 ** (digits - 1)
    numbers = np.concatenate([leading * 2.0**exponent for exponent in range(first, last + 1)])
    return numbers[(numbers >= low) & (numbers <= high)]


def fit_range(values: NDArray[np.float32], digits: int) -> Range:
    """The range of a scale of that many binary digits that loses least in the mean square.

    Clipping a few outliers costs less than coarser steps for all: scales down to 0.4 of what would
    hold every value are tried.

    Args:
        values: Of an activation, its extremes among them.
        digits: 1 for a power of two.
    """
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    whole = max(high - low, 1e-6) / LEVELS
    best, least = Range(1.0, 0), np.inf
    for scale in short_numbers(_LEAST * whole, whole * (1 + 2.0 ** (1 - digits)), digits):
        zero = int(np.clip(np.rint(-low * min(scale / whole, 1) / scale), 0, LEVELS))
        quantised = np.clip(np.rint(values / np.float32(scale)) + zero, 0, LEVELS)
        loss = float(np.mean(((quantised - zero) * np.float32(scale) - values) ** 2))
        if loss < least:
            best, least = Range(float(scale), zero), loss
    return best
