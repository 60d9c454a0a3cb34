"""Exponential moving average of the generator's weights: what is scored and shipped."""

import copy

import torch
from torch import nn


class Ema:
    """A copy of a network whose weights trail the trained one's.

    Averaging damps the oscillation of adversarial training (Yazici et al., "The unusual
    effectiveness of averaging in GAN training", ICLR 2019). The decay ramps up as
    min(decay, (1 + t) / (10 + t)), so that the first, useless weights are soon forgotten. A decay
    of 0 keeps the copy equal to the trained network.

    Attributes:
        module: The averaged network, in eval mode, without gradients.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.module = copy.deepcopy(network).requires_grad_(False).eval()
        self._pairs = list(zip(self.module.parameters(), network.parameters(), strict=True))
        self._buffers = list(zip(self.module.buffers(), network.buffers(), strict=True))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the trained weights after training step number ``step``, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        averaged, trained = zip(*self._pairs, strict=True)
        torch._foreach_lerp_(averaged, trained, 1 - decay)
        for mine, theirs in self._buffers:
            mine.copy_(theirs)
