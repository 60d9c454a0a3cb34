"""Does the file give what the PyTorch generator gives in eval mode?"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dropgan.serve.card import METADATA_KEY, ParityCard
from dropgan.serve.errors import DropganError
from dropgan.serve.loading import digest_without
from dropgan.serve.providers import CPU, load_onnxruntime

from .certificate import make_witness
from .graph import DeployedGenerator, default_layout
from .inputs import Inputs, rows, tensors
from .units import Units

SAMPLES = 10_000
BATCHES = (1, 3, 1024)


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
"""What each precision and output is held to."""

_SINGLES = 64  # samples compared at batches 1 and 3; at the largest all of them are


class ParityError(DropganError):
    """The file's output differs from the PyTorch generator's."""


def check_parity(
    model: bytes,
    generator: nn.Module,
    latent_dim: int,
    *,
    output: str,
    seed: int,
    classes: int = 0,
    layout: str = "",
    precision: str = "fp32",
    samples: int = SAMPLES,
    units: Units | None = None,
) -> ParityCard:
    """Compare an exported file on the CPU with the generator it came from.

    Args:
        model: The file's bytes.
        generator: In eval mode, on the CPU, in float32.
        latent_dim: Components of a latent.
        output: ``pixels``, ``float`` or ``vectors``.
        seed: Of the latents and labels that both are given.
        classes: Number of classes, 0 without labels.
        layout: Of the output; empty for its usual one.
        precision: The file's: ``fp32``, ``fp16`` or ``int8``.
        samples: How many samples are compared at the largest batch.
        units: Of vectors.

    Returns:
        What was compared, the differences, and a few of PyTorch's values for later comparisons.

    Raises:
        ParityError: A difference is larger than allowed, or shape or type differ.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=[CPU])
    deployed = DeployedGenerator(generator, output, layout or default_layout(output), units)
    step = np.float32(1) if units is None else units.step
    given = Inputs(latent_dim, classes)(samples, seed=seed)
    largest = total = 0.0
    first_values: NDArray[np.generic] | None = None
    for batch in BATCHES:
        compared = samples if batch == BATCHES[-1] else min(_SINGLES, samples)
        for first in range(0, compared, batch):
            part = rows(given, first, min(batch, compared - first))
            with torch.no_grad():
                expected = deployed(*tensors(part)).numpy()
            (made,) = session.run(None, part)
            difference = _difference(expected, made, batch) / step
            largest = max(largest, float(difference.max()))
            if batch == BATCHES[-1]:
                total += float(difference.mean(dtype=np.float64)) * len(made)
                first_values = expected if first_values is None else first_values
    assert first_values is not None
    channels_first = output == "pixels" and deployed.layout != "nhwc"
    mean, tolerance = total / samples, TOLERANCES[precision, output]
    if not (largest <= tolerance.largest and mean <= tolerance.mean):
        raise ParityError(
            f"the exported {precision} file differs from the PyTorch generator by up to {largest:g} and"
            f" {mean:.3g} in the mean, allowed are {tolerance.largest:g} and {tolerance.mean:.3g}"
        )
    return ParityCard(
        provider=CPU,
        samples=samples,
        batches=BATCHES,
        max_difference=largest,
        tolerance=tolerance.largest,
        mean_difference=mean,
        mean_tolerance=tolerance.mean,
        seed=seed,
        reference=f"the generator in PyTorch {torch.__version__}, eval mode, float32, on the CPU",
        runtime=f"onnxruntime {onnxruntime.__version__}",
        digest=digest_without(model, METADATA_KEY),
        witness=make_witness(np.moveaxis(first_values, 1, 3) if channels_first else first_values),
    )


def _difference(
    expected: NDArray[np.generic], given: NDArray[np.generic], batch: int
) -> NDArray[np.floating]:
    if expected.shape != given.shape or expected.dtype != given.dtype:
        raise ParityError(
            f"at batch {batch} the exported file gives {given.dtype} {list(given.shape)},"
            f" the PyTorch generator {expected.dtype} {list(expected.shape)}"
        )
    return np.abs(expected.astype(np.float32) - given.astype(np.float32))
