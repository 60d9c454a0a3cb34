"""Exponential moving average of the generator's weights, which is scored and exported."""

import copy

import torch
from torch import nn

from ..networks.spectral import normed_layers, remove_spectral_norm, weight_at_rest


class Ema:
    """A copy of a network with averaged weights.

    Averaging damps the oscillation of adversarial training (Yazici et al., "The unusual effectiveness of
    averaging in GAN training", ICLR 2019). The decay ramps up as min(decay, (1 + t) / (10 + t)), so the
    first, useless weights are soon forgotten. A decay of 0 keeps the copy equal to the trained network.

    Running statistics of batch norm are averaged like weights. Weights under spectral norm are averaged after
    normalisation, and the copy has them as plain weights, because an exported network has nothing to iterate.

    Attributes:
        module: The averaged network, in eval mode, without gradients.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(network)
        remove_spectral_norm(self.module)
        self.module.requires_grad_(False).eval()
        normed = normed_layers(network)
        trained = dict([*network.named_parameters(), *network.named_buffers()])
        mine = dict([*self.module.named_parameters(), *self.module.named_buffers()])
        pairs = [(tensor, trained[name]) for name, tensor in mine.items() if name in trained]
        self._averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]
        self._normed = [(mine[f"{name}.weight"], layer) for name, layer in normed.items()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Update the average after training step ``step``, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        averaged, trained = zip(*self._averaged, strict=True)
        torch._foreach_lerp_(averaged, trained, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
        for mine, layer in self._normed:
            mine.lerp_(weight_at_rest(layer), 1 - decay)
        for mine, theirs in self._copied:
            mine.copy_(theirs)
