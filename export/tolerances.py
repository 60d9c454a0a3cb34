"""How far the two graphs of one file may be apart."""

from .ending import Tolerances


def optimised_tolerance(tolerances: Tolerances, precision: str, output: str) -> float:
    """How far the graph that onnxruntime optimises may be from the one in the file.

    Both sum up in float32, in orders of their own, so as far as a float32 file may be from PyTorch's
    values; what int8 rounds on the way is exact (`scales.py`) and the same in both.
    """
    return tolerances["fp16" if precision == "fp16" else "fp32", output].largest
