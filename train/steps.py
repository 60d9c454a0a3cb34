"""The two training steps."""

from typing import NamedTuple

import torch
from torch import Tensor

from .losses import discriminator_loss, generator_loss
from .penalties import r1_penalty
from .recipe import Recipe
from .state import TrainingState, autocast


class Judged(NamedTuple):
    """What a discriminator step leaves to be measured."""

    loss: Tensor
    """float32 [], without the penalty, detached."""
    real: Tensor
    """int64 [2]: how many of the real and of the generated samples got a logit above 0."""


def discriminator_step(
    state: TrainingState,
    recipe: Recipe,
    reals: Tensor,
    fakes: Tensor,
    labels: Tensor | None = None,
    *,
    precision: str,
    penalise: bool,
) -> Judged:
    """One update of the discriminator; the generator is out of the graph.

    Real and generated samples go through in one pass: twice the rows cost less than two passes.

    Args:
        state: What is trained.
        recipe: Its settings.
        reals: float32 [batch, *shape].
        fakes: The same of the generator, detached.
        labels: int64 [batch] of both, or None in a model without classes.
        precision: ``fp32`` or ``bf16``.
        penalise: Whether this step carries the R1 penalty, for all the steps of its interval.

    Returns:
        The loss, and how the samples were judged before the update, dropout acting.
    """
    discriminator = state.discriminator.requires_grad_(True)
    with autocast(reals.device, precision):
        both = None if labels is None else labels.repeat(2)
        logits = discriminator(torch.cat((reals, fakes)), both)
        real_logits, fake_logits = logits.chunk(2)
        loss = discriminator_loss(real_logits, fake_logits)
        total = loss
        if penalise:
            weight = recipe.penalty.r1_weight * recipe.penalty.r1_interval
            total = loss + weight * r1_penalty(lambda samples: discriminator(samples, labels), reals)
    state.discriminator_optimizer.zero_grad()
    total.backward()
    state.discriminator_optimizer.step()
    return Judged(loss.detach(), (logits.detach() > 0).view(2, -1).sum(1))


def generator_step(
    state: TrainingState, fakes: Tensor, labels: Tensor | None = None, *, precision: str
) -> Tensor:
    """One update of the generator through the discriminator, whose weights are frozen.

    Args:
        state: What is trained.
        fakes: float32 [batch, *shape] with the generator's graph.
        labels: int64 [batch] that they were made of, or None in a model without classes.
        precision: ``fp32`` or ``bf16``.

    Returns:
        The loss, detached.
    """
    discriminator = state.discriminator.requires_grad_(False)
    with autocast(fakes.device, precision):
        loss = generator_loss(discriminator(fakes, labels))
    state.generator_optimizer.zero_grad()
    loss.backward()
    state.generator_optimizer.step()
    return loss.detach()
