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
    return _gradient(discriminator, reals).square().sum(1).mean() / 2


def wgan_gp_penalty(discriminator: Callable[[Tensor], Tensor], reals: Tensor, fakes: Tensor) -> Tensor:
    """Mean squared difference from 1 of the norm of the gradient, between real and generated samples.

    Gulrajani et al., "Improved training of Wasserstein GANs", 2017, equation 3 without its weight:
    each point is drawn evenly from the line between a real and a generated sample.

    Args:
        discriminator: Samples to logits.
        reals: float samples [batch, ...].
        fakes: The same of the generator, detached.

    Returns:
        Scalar that can be differentiated with respect to the discriminator's weights.
    """
    share = torch.rand(len(reals), *[1] * (reals.dim() - 1), device=reals.device)
    between = torch.lerp(fakes.detach().float(), reals.detach().float(), share)
    square = _gradient(discriminator, between).square().sum(1)
    # the root has no finite slope at 0, where a discriminator with dead units can be
    return ((square + 1e-12).sqrt() - 1).square().mean()


def _gradient(discriminator: Callable[[Tensor], Tensor], samples: Tensor) -> Tensor:
    """Of each sample's logit with respect to the sample, [batch, values], in the graph."""
    samples = samples.detach().float().requires_grad_(True)
    logits = discriminator(samples)
    (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    return gradient.flatten(1)
