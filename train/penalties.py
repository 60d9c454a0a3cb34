"""Gradient penalties on the discriminator."""

from collections.abc import Callable

import torch
from torch import Tensor


def r1_penalty(discriminator: Callable[[Tensor], Tensor], reals: Tensor) -> Tensor:
    """Half the mean squared norm of the discriminator's gradient at real samples.

    Mescheder, Geiger, Nowozin, "Which training methods for GANs do actually converge?", ICML 2018,
    equation 9 without its weight.

    Args:
        discriminator: Samples to logits.
        reals: float samples [batch, ...].

    Returns:
        Scalar that can be differentiated with respect to the discriminator's weights.
    """
    reals = reals.detach().float().requires_grad_(True)
    logits = discriminator(reals)
    (gradient,) = torch.autograd.grad(logits.sum(), reals, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean() / 2
