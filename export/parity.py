"""Check that the file returns what the PyTorch generator returns in eval mode."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dropgan.serve.card import METADATA_KEY, ParityCard
from dropgan.serve.errors import DropganError
from dropgan.serve.loading import digest_without
from dropgan.serve.providers import CPU, load_onnxruntime

from .certificate import make_witness
from .ending import Ending
from .graph import DeployedGenerator
from .inputs import Inputs, rows
from .sessions import cpu_session, optimised_difference
from .tolerances import optimised_tolerance

SAMPLES = 10_000
BATCHES = (1, 3, 1024)


PLAIN_SAMPLES = 1024
"""How many samples the optimised and the plain graph are compared on."""
_SINGLES = 64  # samples compared at batches 1 and 3; at the largest all of them are


class ParityError(DropganError):
    """The file's output differs from the PyTorch generator's."""


def check_parity(
    model: bytes,
    generator: nn.Module,
    latent_dim: int,
    ending: Ending,
    *,
    seed: int,
    classes: int = 0,
    precision: str = "fp32",
    samples: int = SAMPLES,
) -> ParityCard:
    """Compare an exported file on the CPU with the generator it came from.

    Args:
        model: The file's bytes.
        generator: Generator in eval mode, on the CPU, in float32.
        latent_dim: Components of a latent.
        ending: The conversion after the generator in the file.
        seed: Seed of the latents and labels for both.
        classes: Number of classes, 0 without labels.
        precision: Precision of the file: ``fp32``, ``fp16`` or ``int8``.
        samples: Number of samples compared at the largest batch.

    Returns:
        The settings of the comparison, the differences, and a few of PyTorch's values for later checks.

    Raises:
        ParityError: A difference is larger than allowed, or shape or type differ.
    """
    session = cpu_session(model)
    deployed = DeployedGenerator(generator, ending)
    given = Inputs(latent_dim, classes)(samples, seed=seed)
    largest = total = 0.0
    first_values: NDArray[np.generic] | None = None
    for batch in BATCHES:
        compared = samples if batch == BATCHES[-1] else min(_SINGLES, samples)
        for first in range(0, compared, batch):
            part = rows(given, first, min(batch, compared - first))
            with torch.no_grad():
                expected = deployed(*map(torch.from_numpy, part.values())).numpy()
            (made,) = session.run(None, part)
            difference = _difference(expected, made, batch, ending)
            largest = max(largest, float(difference.max()))
            if batch == BATCHES[-1]:
                total += float(difference.mean(dtype=np.float64)) * len(made)
                first_values = expected if first_values is None else first_values
    assert first_values is not None
    mean, tolerance = total / samples, ending.tolerances[precision, ending.output]
    if not (largest <= tolerance.largest and mean <= tolerance.mean):
        raise ParityError(
            f"the exported {precision} file differs from the PyTorch generator by up to {largest:g} and"
            f" {mean:.3g} on average, allowed are {tolerance.largest:g} and {tolerance.mean:.3g}"
        )
    some = rows(given, 0, PLAIN_SAMPLES)
    apart = optimised_difference(model, some, ending.step, ending.rounded)
    allowed = optimised_tolerance(ending.tolerances, precision, ending.output)
    if not apart <= allowed:
        raise ParityError(
            f"the {precision} file gives other results once onnxruntime has optimised it for"
            f" this processor: {apart:g} apart, allowed are {allowed:g}: use --precision fp32"
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
        runtime=f"onnxruntime {load_onnxruntime().__version__}",
        plain_samples=len(some["latents"]),
        plain_difference=apart,
        digest=digest_without(model, METADATA_KEY),
        witness=make_witness(ending.channels_last(first_values)),
    )


def _difference(
    expected: NDArray[np.generic], given: NDArray[np.generic], batch: int, ending: Ending
) -> NDArray[np.floating]:
    if expected.shape != given.shape or expected.dtype != given.dtype:
        raise ParityError(
            f"at batch {batch} the exported file gives {given.dtype} {list(given.shape)},"
            f" the PyTorch generator {expected.dtype} {list(expected.shape)}"
        )
    return ending.apart(given, expected)
