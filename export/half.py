"""Check that a generator stays within the range of float16."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .errors import ExportError
from .inputs import Inputs

LARGEST = 65504.0
"""The largest float16."""
_HEADROOM = 4.0  # rare latents reach further than those seen
_SAMPLES, _BATCH = 4096, 512


@dataclass(frozen=True)
class Reach:
    """The largest magnitude in a generator, and its location."""

    value: float
    where: str


def measure_reach(generator: nn.Module, latent_dim: int, *, seed: int, classes: int = 0) -> Reach:
    """Return the largest magnitude among weights and, over 4,096 latents, activations.

    Args:
        generator: Generator in eval mode, on the CPU, in float32.
        latent_dim: Components of a latent.
        seed: Seed of latents and labels.
        classes: Number of classes, 0 without labels.
    """
    found: dict[str, float] = {}
    for name, weight in [*generator.named_parameters(), *generator.named_buffers()]:
        found[f"weight {name}"] = float(weight.detach().abs().max()) if weight.numel() else 0.0

    def note(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                seen = float(output.detach().abs().max())
                found[name] = max(found.get(name, 0.0), seen) if not math.isnan(seen) else math.inf

        return hook

    hooks = [
        module.register_forward_hook(note(f"the output of {name}"))
        for name, module in generator.named_modules()
        if name
    ]
    inputs = Inputs(latent_dim, classes)
    try:
        with torch.no_grad():
            for start in range(0, _SAMPLES, _BATCH):
                generator(*map(torch.from_numpy, inputs(_BATCH, seed=seed, start=start).values()))
    finally:
        for hook in hooks:
            hook.remove()
    where = max(found, key=found.__getitem__)
    return Reach(found[where], where)


def require_half(reach: Reach) -> None:
    """Refuse a generator whose values do not fit float16.

    Raises:
        ExportError: A magnitude is above a quarter of the largest float16.
    """
    if not reach.value * _HEADROOM <= LARGEST:
        raise ExportError(
            f"fp16 cannot carry this generator: {reach.where} reaches {reach.value:g}, and float16 ends at"
            f" {LARGEST:g} (a factor of {_HEADROOM:g} is kept for rarer latents): use --precision fp32"
        )
