"""Samples with dropout acting, as from a file whose export forgot to turn it off."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dropgan.train.data.pixels import to_pixels
from dropgan.train.networks.dropout import dropouts

_BATCH = 250


def has_dropout(network: nn.Module) -> bool:
    """Return True if the network has dropout that can act."""
    return any(module.p > 0 for module in dropouts(network).values())


@torch.inference_mode()
def train_mode_samples(
    generator: nn.Module,
    latents: NDArray[np.float32],
    labels: NDArray[np.int64] | None = None,
    *,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Return samples uint8 [n, h, w, c] with dropout acting and everything else in eval mode.

    They are made from latents [n, latent_dim] and, with classes, labels [n].

    Batch normalisation keeps its running averages, so the difference to the deployed samples is caused by
    dropout alone. The generator is left in eval mode.
    """
    acting = dropouts(generator).values()
    before = torch.get_rng_state()
    torch.manual_seed(seed)
    try:
        for module in acting:
            module.train()
        given: list[NDArray[Any]] = [latents] if labels is None else [latents, labels]
        parts = [
            to_pixels(
                generator(*(torch.from_numpy(np.array(part[first : first + _BATCH])) for part in given))
            ).numpy()
            for first in range(0, len(latents), _BATCH)
        ]
    finally:
        for module in acting:
            module.eval()
        torch.set_rng_state(before)
    return np.concatenate(parts)
