"""The allowed difference between the two graphs of one file."""

from .ending import Tolerances


def optimised_tolerance(tolerances: Tolerances, precision: str, output: str) -> float:
    """Return the allowed difference between the graph that onnxruntime optimises and the one in the file.

    Both sum in float32, each in its own order, so they may differ as much as a float32 file may from PyTorch.
    The roundings of int8 are exact (`scales.py`) and the same in both.
    """
    return tolerances["fp16" if precision == "fp16" else "fp32", output].largest
