"""Round weights to whole numbers from -64 to 64.

Processors without VNNI add two products of bytes in 16 bits, and 255 * 64 * 2 is the most that fits. Larger
weights would saturate there and nowhere else.

Seven bits lose precision. To compensate, inputs are rounded one at a time and the others take over the error,
as far as inputs are correlated (Frantar et al., "GPTQ: accurate post-training quantization for generative
pre-trained transformers", ICLR 2023).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WEIGHT_LEVELS = 64
_DIGITS = 5
_DAMPING = 0.01


@dataclass(frozen=True)
class Rounded:
    """Weights as whole numbers.

    Attributes:
        integers: int8, in the weights' own shape.
        scale: float32 [channels], the value of 1 in each output channel.
    """

    integers: NDArray[np.int8]
    scale: NDArray[np.float32]


def round_weights(
    weights: NDArray[np.float32], axis: int, moments: NDArray[np.float64], unit: float = 1.0
) -> Rounded:
    """Round a layer's weights so that its outputs change least.

    Args:
        weights: Weights of any shape.
        axis: Axis of the output channels.
        moments: Moments [k, k] of the k inputs of one output, from `calibrate`.
        unit: Unit of the scales, which are its multiples by numbers of four binary digits: the scale of
            the bytes that the layer makes, if it makes any.
    """
    moved = np.moveaxis(weights, axis, 0).astype(np.float64)
    matrix = moved.reshape(len(moved), -1)
    scale = _scales(matrix, unit)
    integers = _compensated(matrix / scale[:, None], moments)
    shaped = np.moveaxis(integers.reshape(moved.shape), 0, axis)
    return Rounded(np.ascontiguousarray(shaped, dtype=np.int8), scale.astype(np.float32))


def _scales(matrix: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    """Return the scale of each row: the smallest with few binary digits that holds all of its weights."""
    largest = np.abs(matrix).max(axis=1)
    whole = np.where(largest > 0, largest, WEIGHT_LEVELS * unit) / WEIGHT_LEVELS / unit
    fraction, exponent = np.frexp(whole)  # fraction is 0.5 to 1
    digits = 2.0**_DIGITS
    return np.ldexp(np.ceil(fraction * digits) / digits, exponent) * unit


def _compensated(steps: NDArray[np.float64], moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows of weights, in units of their scales, rounded; the inputs with the most power come first.

    No weight moves by more than one whole number, because the calibration has not seen everything.
    """
    power = np.diag(moments)
    order = np.argsort(-power, kind="stable")
    damped = moments[np.ix_(order, order)] + np.eye(len(order)) * (_DAMPING * power.mean() or 1.0)
    share = np.linalg.cholesky(np.linalg.inv(damped)).T
    lowest = np.clip(np.ceil(steps - 1), -WEIGHT_LEVELS, WEIGHT_LEVELS)
    highest = np.clip(np.floor(steps + 1), -WEIGHT_LEVELS, WEIGHT_LEVELS)
    left, rounded = steps[:, order], np.empty_like(steps)
    for place, column in enumerate(order):
        whole = np.clip(np.rint(left[:, place]), lowest[:, column], highest[:, column])
        error = (left[:, place] - whole) / share[place, place]
        rounded[:, column] = whole
        left[:, place + 1 :] -= np.outer(error, share[place, place + 1 :])
    return rounded
