"""Penalties on the discriminator, and their settings.

To add one, add a weight to `PenaltySettings`, a function, and a row to `PENALTIES`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from ..autocast import full_precision
from ..settings import Incompatible, Settings, Weight

Discriminator = Callable[[Tensor], Tensor]
"""Samples [batch, ...] to logits [batch, 1]."""


class PenaltySettings(Settings):
    r1_weight: Weight
    """Weight of the R1 gradient penalty, at real samples; 0 disables it."""
    r2_weight: Weight = 0.0
    """Weight of the R2 gradient penalty, at generated samples; 0 disables it."""
    r1_interval: Annotated[int, Field(ge=1)]
    """Apply R1 and R2 every this many steps, with their weights multiplied by it."""
    approximate_r1_weight: Weight = 0.0
    """Weight of the approximation of R1 by two passes, in every step; 0 disables it."""
    approximate_r1_noise: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Standard deviation of the noise between the two passes; that of samples is about 1."""
    consistency_weight: Weight = 0.0
    """Weight of the difference of the logits under two dropout masks, in every step; 0 disables it."""
    wgan_gp_weight: Weight = 0.0
    """Weight of WGAN-GP's gradient penalty, between real and generated samples; 0 disables it."""


def r1_penalty(discriminator: Discriminator, samples: Tensor) -> Tensor:
    """Return half the mean squared norm of the discriminator's gradient at samples.

    It is R1 at real samples and R2 at generated ones.

    Mescheder, Geiger, Nowozin, "Which training methods for GANs do actually converge?", ICML 2018, equation 9
    without its weight.

    Args:
        discriminator: Maps samples to logits.
        samples: float [batch, ...].

    Returns:
        Scalar that can be differentiated with respect to the discriminator's weights.
    """
    return _gradient(discriminator, samples).square().sum(1).mean() / 2


def wgan_gp_penalty(discriminator: Discriminator, reals: Tensor, fakes: Tensor) -> Tensor:
    """Return the mean squared difference from 1 of the gradient's norm between real and generated samples.

    Gulrajani et al., "Improved training of Wasserstein GANs", 2017, equation 3 without its weight: each point
    is drawn uniformly from the line between a real and a generated sample.

    Args:
        discriminator: Samples to logits.
        reals: float samples [batch, ...].
        fakes: Generated samples, float [batch, ...], detached.

    Returns:
        Scalar that can be differentiated with respect to the discriminator's weights.
    """
    share = torch.rand(len(reals), *[1] * (reals.dim() - 1), device=reals.device)
    between = torch.lerp(fakes.detach().float(), reals.detach().float(), share)
    square = _gradient(discriminator, between).square().sum(1)
    # the root has no finite slope at 0, where a discriminator with dead units can be
    return ((square + 1e-12).sqrt() - 1).square().mean()


def approximate_r1_penalty(discriminator: Discriminator, reals: Tensor, noise: float) -> Tensor:
    """Return the mean squared change of the logit when a little noise is added to a real sample.

    Lin et al., "Diffusion adversarial post-training for one-step video generation", ICML 2025. This is about
    the noise squared times the squared norm of the gradient, without a second-order gradient, which some
    layers and compilers do not support.

    Args:
        discriminator: Samples to logits.
        reals: float samples [batch, ...].
        noise: Standard deviation of the added noise.

    Returns:
        Scalar that can be differentiated with respect to the discriminator's weights.
    """
    moved = reals + noise * torch.randn_like(reals)
    with full_precision(reals.device):  # a small difference of two numbers
        # the second pass draws the masks of the first again: it is the samples that differ
        with torch.random.fork_rng([reals.device] if reals.is_cuda else []):
            before = discriminator(reals)
        return (discriminator(moved) - before).square().mean()


def consistency_penalty(discriminator: Discriminator, reals: Tensor) -> Tensor:
    """Return the mean squared difference of the logits of a real sample under two dropout masks.

    The consistency term of Wei et al., "Improving the improved training of Wasserstein GANs: a consistency
    term and its dual effect", ICLR 2018, for the logit alone and without their margin.

    Args:
        discriminator: Maps samples to logits, with dropout acting.
        reals: float samples [batch, ...].

    Returns:
        Scalar that can be differentiated with respect to the discriminator's weights.
    """
    return (discriminator(reals) - discriminator(reals)).square().mean()


def _gradient(discriminator: Discriminator, samples: Tensor) -> Tensor:
    """Return the differentiable gradient of each sample's logit with respect to the sample,
    [batch, values].
    """
    samples = samples.detach().float().requires_grad_(True)
    logits = discriminator(samples)
    (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
    return gradient.flatten(1)


@dataclass(frozen=True)
class Penalty:
    """A term that is added to the discriminator's loss."""

    weight: str
    """Name of its weight in `PenaltySettings`."""
    slope: Literal[0, 1] | None
    """Target of the norm of the discriminator's gradient; None for another kind of penalty."""
    lazy: bool
    """True if it is computed only every ``r1_interval`` steps, with so many times the weight (Karras et
    al., "Analyzing and improving the image quality of StyleGAN", CVPR 2020, section 3.1)."""
    value: Callable[[PenaltySettings, Discriminator, Tensor, Tensor], Tensor]
    """Maps the discriminator, real and generated samples to a scalar."""
    incompatible: tuple[Incompatible, ...] = ()
    """Settings with which it cannot be combined."""

    def weighs(self, settings: PenaltySettings) -> float:
        """Return its weight in a recipe."""
        weight: float = getattr(settings, self.weight)
        return weight


PENALTIES = (
    Penalty("r1_weight", 0, True, lambda _, judge, reals, fakes: r1_penalty(judge, reals)),
    Penalty("r2_weight", 0, True, lambda _, judge, reals, fakes: r1_penalty(judge, fakes)),
    Penalty(
        "approximate_r1_weight",
        0,
        False,
        lambda settings, judge, reals, fakes: approximate_r1_penalty(
            judge, reals, settings.approximate_r1_noise
        ),
        (
            Incompatible(
                "`approximate_r1_weight` with `r1_weight`",
                "the first approximates the second, so the penalty would count twice; set one of them to 0",
                lambda recipe: recipe.penalty.approximate_r1_weight > 0 and recipe.penalty.r1_weight > 0,
            ),
        ),
    ),
    Penalty(
        "consistency_weight",
        None,
        False,
        lambda _, judge, reals, fakes: consistency_penalty(judge, reals),
        (
            Incompatible(
                "`consistency_weight` without dropout in the discriminator",
                "it compares two dropout masks of a sample, and without dropout there is nothing to compare",
                lambda recipe: (
                    recipe.penalty.consistency_weight > 0 and recipe.discriminator.most_dropout == 0
                ),
            ),
        ),
    ),
    Penalty("wgan_gp_weight", 1, False, lambda _, judge, reals, fakes: wgan_gp_penalty(judge, reals, fakes)),
)


def lazy_interval(settings: PenaltySettings) -> int:
    """Return the interval in steps of lazy penalties, or 1 if a recipe has none."""
    return settings.r1_interval if any(p.lazy and p.weighs(settings) for p in PENALTIES) else 1


def weighted_penalties(
    settings: PenaltySettings, discriminator: Discriminator, reals: Tensor, fakes: Tensor, *, lazy: bool
) -> Iterator[Tensor]:
    """Yield the penalties of an update, each multiplied by its weight.

    Args:
        settings: Settings of the recipe.
        discriminator: Maps samples to logits.
        reals: float samples [batch, ...].
        fakes: Generated samples, float [batch, ...], detached.
        lazy: Include the lazy penalties, which are not in every update.
    """
    for penalty in PENALTIES:
        weight = penalty.weighs(settings) * (settings.r1_interval if penalty.lazy else 1)
        if weight and (lazy or not penalty.lazy):
            yield weight * penalty.value(settings, discriminator, reals, fakes)
