"""Compare two model files: their weights, their precision, and their samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.classes import UNIFORM
from dropgan.serve.errors import InputError
from dropgan.serve.kinds import kind_of
from dropgan.serve.loading import OnnxFile, read_onnx


@dataclass(frozen=True)
class Comparison:
    """Comparison of two model files.

    Attributes:
        same_file: True if they are identical, byte for byte.
        same_weights: True if all constants are identical, bit for bit; None if their precisions differ.
        weight_difference: Largest difference between weights of the same name, bytes converted back to
            numbers by their scales; None if the files share no weights of the same shape.
        precisions: Precisions of the first and the second file.
        samples: Number of samples made with both, from equal latents.
        equal_samples: Number of samples that are equal in every value.
        max_difference: Largest difference of any value: levels of 0 to 255 for pixels, a
            column's standard deviation (and 1/32 of its mean's size) for vectors.
        mean_difference: Mean absolute difference.
    """

    same_file: bool
    same_weights: bool | None
    weight_difference: float | None
    precisions: tuple[str, str]
    samples: int
    equal_samples: int
    max_difference: float
    mean_difference: float


def compare(first: bytes, second: bytes, *, samples: int = 1000, seed: int = 0) -> Comparison:
    """Compare two model files on the CPU.

    Args:
        first: Bytes of a file.
        second: Bytes of another.
        samples: Number of samples to make with both.
        seed: Seed of their latents.

    Raises:
        ModelError: A file is not a dropgan model.
        InputError: Their latents or outputs differ, so they cannot be compared.
    """
    one, other = (Generator(data, device="cpu") for data in (first, second))
    if one.card.latents != other.card.latents or one.class_numbers != other.class_numbers:
        raise InputError("the two models have different inputs: their samples cannot be compared")
    if one.sample_shape != other.sample_shape or one.card.export.output != other.card.export.output:
        raise InputError(
            f"the two models make different things: {one.card.export.output} {list(one.sample_shape)}"
            f" and {other.card.export.output} {list(other.sample_shape)}"
        )
    step = kind_of(one.card).step(one.card)
    largest, total, equal, done = 0.0, 0.0, 0, 0
    drawn = UNIFORM if one.classes else None
    batches = zip(*(model.stream(samples, seed=seed, labels=drawn) for model in (one, other)), strict=True)
    for mine, theirs in batches:
        difference = np.abs(mine.astype(np.float32) - theirs.astype(np.float32)).reshape(len(mine), -1)
        difference = difference / step
        largest = max(largest, float(difference.max(initial=0)))
        total += float(difference.sum(dtype=np.float64))
        equal += int((difference.max(axis=1) == 0).sum())
        done += difference.size
    precisions = (one.card.export.precision, other.card.export.precision)
    weights = [_weights(read_onnx(data)) for data in (first, second)]
    return Comparison(
        same_file=first == second,
        same_weights=_identical(first, second) if precisions[0] == precisions[1] else None,
        weight_difference=_largest_difference(*weights),
        precisions=precisions,
        samples=samples,
        equal_samples=equal,
        max_difference=largest,
        mean_difference=total / max(done, 1),
    )


def _identical(first: bytes, second: bytes) -> bool:
    files = [
        {tensor.name: tensor.array() for tensor in read_onnx(data).graph.tensors if tensor.size > 1}
        for data in (first, second)
    ]
    mine, theirs = files
    return mine.keys() == theirs.keys() and all(
        mine[name].dtype == theirs[name].dtype
        and mine[name].shape == theirs[name].shape
        and mine[name].tobytes() == theirs[name].tobytes()
        for name in mine
    )


def _weights(file: OnnxFile) -> dict[str, NDArray[Any]]:
    """Return weight matrices and kernels as numbers, by name."""
    tensors = {tensor.name: tensor for tensor in file.graph.tensors}
    found = {}
    for name, tensor in tensors.items():
        if not name.endswith(".weight"):
            continue
        values = tensor.array().astype(np.float64)
        reader = next((node for node in file.graph.nodes if name in node.inputs), None)
        for scale, unit in ((f"{name}.scale", 1.0), (f"{name}.scale_doubled", 2.0)):
            if reader is not None and reader.op == "DequantizeLinear" and scale in tensors:
                shape = [1] * values.ndim
                shape[int(reader.attributes.get("axis", 1))] = -1
                values = values * (tensors[scale].array().astype(np.float64) / unit).reshape(shape)
        found[name] = values
    return found


def _largest_difference(mine: dict[str, NDArray[Any]], theirs: dict[str, NDArray[Any]]) -> float | None:
    shared = [name for name in mine if name in theirs and mine[name].shape == theirs[name].shape]
    if not shared:
        return None
    return max(float(np.abs(mine[name] - theirs[name]).max(initial=0)) for name in shared)
