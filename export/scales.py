"""Scales of bytes that keep an int8 file's arithmetic exact on every runtime and processor.

A runtime may multiply the bytes as whole numbers, or convert them to float32 and multiply those. Processors
differ in this, and so do a runtime's optimised and plain graphs. The two agree to the bit if nothing is
rounded on the way. Scales therefore have few binary digits: products of two of them, and sums of such
products, are whole multiples of one unit, fewer than 2^24 of it, which float32 represents exactly. The scale
of a layer's input is a power of two, so a sum becomes bytes again by an exact factor.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 255
_LEAST = 0.4


@dataclass(frozen=True)
class Range:
    """The conversion of an activation to bytes: ``q = round(x / scale) + zero``, clipped to 0 to 255."""

    scale: float
    zero: int


def short_numbers(low: float, high: float, digits: int) -> NDArray[np.float64]:
    """Return the positive numbers with this many binary digits from ``low`` to ``high``, inclusive."""
    first, last = int(np.floor(np.log2(low))), int(np.ceil(np.log2(high)))
    leading = np.arange(2 ** (digits - 1), 2**digits) / 2.0 ** (digits - 1)
    numbers = np.concatenate([leading * 2.0**exponent for exponent in range(first, last + 1)])
    return numbers[(numbers >= low) & (numbers <= high)]


def fit_range(values: NDArray[np.float32], digits: int) -> Range:
    """Return the range whose scale has this many binary digits and the least mean squared error.

    Clipping a few outliers costs less than coarser steps for all values, so scales down to 0.4 of the one
    that holds every value are tried.

    Args:
        values: Values of an activation, including its extremes.
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
