"""The two training steps, and the whole of one step."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..data.batches import Batch
from ..distributed.ranks import Ranks
from ..networks.batch_norm import has_batch_norm, running_statistics_kept
from ..networks.freezing import train_above
from ..objective.augment import augment
from ..objective.losses import discriminator_loss, generator_loss
from ..objective.penalties import r1_penalty, wgan_gp_penalty
from ..recipes.settings import Recipe
from .state import TrainingState, autocast


class Judged(NamedTuple):
    """What an update of the discriminator leaves to be measured."""

    loss: Tensor
    """float32 [], without penalties, detached."""
    real: Tensor
    """int64 [2]: how many of the real and of the generated samples got a logit above 0."""


class Step(NamedTuple):
    """What a training step leaves to be measured."""

    judged: Judged
    """By the discriminator, before its last update."""
    generator_loss: Tensor
    """float32 [], detached."""


def train_step(
    state: TrainingState,
    recipe: Recipe,
    batches: Callable[[int], Batch],
    *,
    device: torch.device,
    precision: str,
    penalise: bool = True,
) -> Step:
    """One update of the generator after as many of the discriminator as the recipe says.

    Each update of the discriminator has real and generated samples of its own; the generator is
    updated on the last generated ones. Counts the step and moves the average.

    Args:
        state: What is trained.
        recipe: Its settings.
        batches: Number of the discriminator's update to real samples: counted from the beginning of
            the run, and after each rollback in a range of its own.
        device: Where the networks are.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.
        penalise: False leaves the R1 penalty out, for measuring.

    Returns:
        Losses without penalties, and how the discriminator judged.
    """
    penalty, count = recipe.penalty, recipe.training.discriminator_steps
    state.ranks.seed_masks(recipe.training.seed, state.step)
    through = state.passes or state
    for update in range(state.step * count, (state.step + 1) * count):
        last = update == (state.step + 1) * count - 1
        reals, labels = batches(update + state.batch_offset)
        latents = state.draw_latents(len(reals), recipe.generator.latent_dim, device)
        with torch.set_grad_enabled(last), autocast(device, precision):
            fakes = through.generator(latents, labels)
        judged = discriminator_step(
            state,
            recipe,
            reals,
            fakes.detach(),
            labels,
            precision=precision,
            penalise=penalise and penalty.r1_weight > 0 and update % penalty.r1_interval == 0,
        )
    g_loss = generator_step(state, recipe, fakes, labels, precision=precision)
    state.ema.update(state.step)
    state.step += 1
    return _over_all(Step(judged, g_loss), state.ranks)


def _over_all(step: Step, ranks: Ranks) -> Step:
    """Losses and counts of the whole batch, of whose rows each process saw some."""
    if ranks.count == 1:
        return step
    sums = ranks.sum(torch.stack((step.judged.loss, step.generator_loss, *step.judged.real.float())))
    losses, counts = sums[:2] / ranks.count, sums[2:].round().long()
    return Step(Judged(losses[0], counts), losses[1])


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
    With batch norm they go through apart, so that generated samples are judged by statistics of
    generated ones here as in the generator's step (Radford et al. 2016, DCGAN, train so).

    Args:
        state: What is trained.
        recipe: Its settings.
        reals: float32 [batch, *shape].
        fakes: The same of the generator, detached.
        labels: int64 [batch] of both, or None in a model without classes.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.
        penalise: Whether this step carries the R1 penalty, for all the steps of its interval.

    Returns:
        The loss, and how the samples were judged before the update, dropout acting.
    """
    discriminator = _judge((state.passes or state).discriminator, recipe)
    penalty, training = recipe.penalty, recipe.training
    train_above(state.discriminator, recipe.discriminator.frozen_layers)
    with autocast(reals.device, precision):
        if has_batch_norm(state.discriminator):
            real_logits, fake_logits = discriminator(reals, labels), discriminator(fakes, labels)
        else:
            both = None if labels is None else labels.repeat(2)
            real_logits, fake_logits = discriminator(torch.cat((reals, fakes)), both).chunk(2)
        loss = discriminator_loss(real_logits, fake_logits, training.loss, training.label_smoothing)
    total = loss
    # The gradients in a penalty are inside the graph, where scaling the loss does not reach them.
    with autocast(reals.device, "fp32" if precision == "fp16" else precision):
        if penalise:
            weight = penalty.r1_weight * penalty.r1_interval
            total = total + weight * r1_penalty(lambda samples: discriminator(samples, labels), reals)
        if penalty.wgan_gp_weight:
            slope = wgan_gp_penalty(lambda samples: discriminator(samples, labels), reals, fakes)
            total = total + penalty.wgan_gp_weight * slope
    _update(state, "discriminator", total)
    return Judged(loss.detach(), torch.stack([(logits > 0).sum() for logits in (real_logits, fake_logits)]))


def generator_step(
    state: TrainingState, recipe: Recipe, fakes: Tensor, labels: Tensor | None = None, *, precision: str
) -> Tensor:
    """One update of the generator through the discriminator, whose weights are frozen.

    Args:
        state: What is trained.
        recipe: Its settings.
        fakes: float32 [batch, *shape] with the generator's graph.
        labels: int64 [batch] that they were made of, or None in a model without classes.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.

    Returns:
        The loss, detached.
    """
    discriminator = _judge(state.discriminator, recipe)  # frozen, so nothing of it is averaged
    state.discriminator.requires_grad_(False)
    with autocast(fakes.device, precision), running_statistics_kept(state.discriminator):
        loss = generator_loss(discriminator(fakes, labels), recipe.training.loss)
    _update(state, "generator", loss)
    return loss.detach()


def _update(state: TrainingState, network: str, loss: Tensor) -> None:
    discriminates = network == "discriminator"
    optimizer = state.discriminator_optimizer if discriminates else state.generator_optimizer
    if network in state.scaling:
        state.scaling[network].update(optimizer, loss)
        return
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _judge(discriminator: nn.Module, recipe: Recipe) -> Callable[[Tensor, Tensor | None], Tensor]:
    """Samples and labels to logits, through the augmentation if there is one."""
    policy = recipe.training.augmentation
    return lambda samples, labels: discriminator(augment(samples, policy), labels)
