"""Does the file give what the PyTorch generator gives in eval mode?"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..serve.card import ParityCard
from ..serve.errors import DropganError
from ..serve.latents import LatentStream
from ..serve.providers import CPU, load_onnxruntime
from .graph import DeployedGenerator

SAMPLES = 10_000
BATCHES = (1, 3, 1024)
TOLERANCE = {"pixels": 1.0, "float": 1e-5}
"""Largest difference allowed: one level of 255, since a value near a half may round either way."""

_SINGLES = 64  # samples compared at batches 1 and 3; at the largest all of them are


class ParityError(DropganError):
    """The file's output differs from the PyTorch generator's."""


def check_parity(
    model: bytes, generator: nn.Module, latent_dim: int, *, output: str, seed: int, samples: int = SAMPLES
) -> ParityCard:
    """Compare an exported file on the CPU with the generator it came from.

    Args:
        model: The file's bytes.
        generator: In eval mode, on the CPU.
        latent_dim: Components of a latent.
        output: ``pixels`` or ``float``.
        seed: Seed of the latent stream that both are given.
        samples: How many samples are compared at the largest batch.

    Returns:
        What was compared, and the largest difference.

    Raises:
        ParityError: It is larger than allowed, or shape or type differ.
    """
    onnxruntime = load_onnxruntime()
    session = onnxruntime.InferenceSession(model, providers=[CPU])
    deployed = DeployedGenerator(generator, output)
    latents = LatentStream(latent_dim)(samples, seed=seed)
    largest = 0.0
    for batch in BATCHES:
        part = latents if batch == BATCHES[-1] else latents[:_SINGLES]
        for first in range(0, len(part), batch):
            rows = part[first : first + batch]
            with torch.no_grad():
                expected = deployed(torch.from_numpy(rows)).numpy()
            (given,) = session.run(None, {"latents": rows})
            largest = max(largest, _difference(expected, given, batch))
    tolerance = TOLERANCE[output]
    if not largest <= tolerance:
        raise ParityError(
            f"the exported file differs from the PyTorch generator by {largest:g}, allowed is {tolerance:g}"
        )
    return ParityCard(CPU, samples, BATCHES, largest, tolerance)


def _difference(expected: NDArray[np.generic], given: NDArray[np.generic], batch: int) -> float:
    if expected.shape != given.shape or expected.dtype != given.dtype:
        raise ParityError(
            f"at batch {batch} the exported file gives {given.dtype} {list(given.shape)},"
            f" the PyTorch generator {expected.dtype} {list(expected.shape)}"
        )
    return float(np.abs(expected.astype(np.float64) - given.astype(np.float64)).max())
