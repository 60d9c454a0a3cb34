"""How far apart a file's values may be from those that it should give."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """Largest difference of any value, and largest mean difference, in units of the output."""

    largest: float
    mean: float


TOLERANCES = {
    # a value next to a half may round either way: one level, and that rarely
    ("fp32", "pixels"): Tolerance(1, 0.01),
    ("fp32", "float"): Tolerance(1e-5, 1e-6),
    # no tanh keeps values within 1; in the steps of `Units`
    ("fp32", "vectors"): Tolerance(5e-5, 5e-6),
    # ten bits of float16 over a few layers
    ("fp16", "pixels"): Tolerance(4, 0.1),
    ("fp16", "float"): Tolerance(0.03, 1e-3),
    ("fp16", "vectors"): Tolerance(0.1, 3e-3),
    # bytes move single pixels at edges as far as they go; what counts is the mean, and the score
    ("int8", "pixels"): Tolerance(255, 3.5),
    ("int8", "float"): Tolerance(2, 3.5 / 127.5),
}
"""What each precision and output is held to, from PyTorch in float32."""


def optimised_tolerance(precision: str, output: str) -> float:
    """How far the graph that onnxruntime optimises may be from the one in the file.

    Both sum up in float32, in orders of their own, so as far as a float32 file may be from PyTorch's
    values; what int8 rounds on the way is exact (`scales.py`) and the same in both.
    """
    return TOLERANCES["fp16" if precision == "fp16" else "fp32", output].largest
