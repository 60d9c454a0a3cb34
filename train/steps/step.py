"""One training step: updates of the discriminator, then one of the generator."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..autocast import autocast
from ..data.batches import Batch
from ..distributed.ranks import Ranks
from ..networks.batch_norm import has_batch_norm, running_statistics_kept
from ..networks.freezing import train_above
from ..objective.augment import augment
from ..objective.losses import LOSSES
from ..objective.penalties import lazy_interval, weighted_penalties
from ..recipes.settings import Recipe
from .dropout import INTERVAL
from .scaling import LossScaling
from .state import TrainingState


class DiscriminatorOutcome(NamedTuple):
    """Values of a discriminator update to be measured."""

    loss: Tensor
    """float32 [], without penalties, detached."""
    correct: Tensor
    """int64 [2]: how many of the real and of the generated samples it was right about, before the update
    and with dropout acting; see `Loss.correct`."""
    on_real: Tensor
    """Logits of the real samples, [n, verdicts], before the update and with dropout acting, detached."""
    on_generated: Tensor
    """Logits of the generated samples, likewise."""


class StepOutcome(NamedTuple):
    """Values of a training step to be measured."""

    discriminator: DiscriminatorOutcome
    """Values of the discriminator's last update."""
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
) -> StepOutcome:
    """Do the recipe's number of discriminator updates, then one generator update.

    Each discriminator update has its own real and generated samples. The generator is updated on the last
    generated ones. The step counter and the averages advance.

    Args:
        state: The state to train.
        recipe: The recipe of the run.
        batches: Returns real samples by the number of the discriminator's update, counted from the start of
            the run, and after each rollback in a new range.
        device: Device of the networks.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.
        penalise: False omits lazy penalties, for measuring.

    Returns:
        Losses without penalties, and the numbers of correctly classified samples.
    """
    count, interval = recipe.training.discriminator_steps, lazy_interval(recipe.penalty)
    first, end = state.step * count, (state.step + 1) * count
    state.begin_step(recipe)
    for update in range(first, end):
        real = batches(update + state.batch_offset)
        latents = state.draw_latents(update, len(real.samples), recipe.generator.latent_dim, device)
        learns = update == end - 1  # the generator, from the last samples alone
        with torch.set_grad_enabled(learns), autocast(device, precision):
            generated = _generated(state, recipe, latents, real.labels)
        on_held_out = _on_held_out(state, recipe, update + state.batch_offset, precision=precision)
        lazy = penalise and update % interval == 0
        one_stage = learns and in_one_stage(recipe, precision)
        judged = generated.detach().requires_grad_(one_stage)
        outcome = discriminator_step(state, recipe, real, judged, precision=precision, lazy_penalties=lazy)
        if state.steering is not None:
            state.steering.observe(outcome.on_real, outcome.on_generated, on_held_out)
    if one_stage:
        generator_loss = one_stage_step(state, recipe, outcome.on_generated, judged, generated)
    else:
        generator_loss = generator_step(state, recipe, real, generated, precision=precision)
    state.ema.update(state.step)
    state.step += 1
    if state.steering is not None and state.step % INTERVAL == 0:
        state.steering.adjust(INTERVAL * count, state.ranks)
    return _over_all(StepOutcome(outcome, generator_loss), state.ranks)


def discriminator_step(
    state: TrainingState,
    recipe: Recipe,
    real: Batch,
    generated: Tensor,
    *,
    precision: str,
    lazy_penalties: bool,
) -> DiscriminatorOutcome:
    """Do one update of the discriminator; the generator is outside the graph.

    Real and generated samples go through in one pass, because twice the rows cost less than two passes. With
    batch norm they go through separately, so that generated samples are normalised by statistics of generated
    ones, as in the generator's step (Radford et al. 2016, DCGAN).

    Args:
        state: The state to train.
        recipe: Its settings.
        real: Real samples, and their labels in a class-conditional model.
        generated: Generated samples, float32 [batch, *shape], with the same labels, detached. If they
            require a gradient, they get that of the loss without penalties.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.
        lazy_penalties: Include the penalties that are not in every update.
    """
    loss, network, labels = LOSSES[recipe.training.loss], state.passes.discriminator, real.labels
    train_above(state.discriminator, recipe.discriminator.frozen_layers)

    def logits(samples: Tensor, labels: Tensor | None = labels) -> Tensor:
        return _logits(network, state, recipe, samples, labels)

    with autocast(generated.device, precision):
        if has_batch_norm(state.discriminator):
            on_real, on_generated = logits(real.samples), logits(generated)
        else:
            twice = None if labels is None else labels.repeat(2)
            on_real, on_generated = logits(torch.cat((real.samples, generated)), twice).chunk(2)
        objective = value = loss.discriminator(on_real, on_generated, recipe.training.label_smoothing)
    drawn = state.augmentation.get_state()

    def augmented_alike(samples: Tensor) -> Tensor:
        """Apply the same augmentation to all passes that a penalty compares."""
        state.augmentation.set_state(drawn)
        return logits(samples).mean(1, keepdim=True)

    # The gradients in a penalty are inside the graph, where scaling the loss does not reach them.
    with autocast(generated.device, "fp32" if precision == "fp16" else precision):
        for penalty in weighted_penalties(
            recipe.penalty, augmented_alike, real.samples, generated.detach(), lazy=lazy_penalties
        ):
            objective = objective + penalty
    _update(state.discriminator_optimizer, objective, state.discriminator_scaling)
    correct = loss.correct(*(verdicts.mean(1) for verdicts in (on_real, on_generated)))
    return DiscriminatorOutcome(value.detach(), correct, on_real.detach(), on_generated.detach())


def generator_step(
    state: TrainingState, recipe: Recipe, real: Batch, generated: Tensor, *, precision: str
) -> Tensor:
    """Do one update of the generator through the discriminator, whose weights are frozen.

    Args:
        state: The state to train.
        recipe: Its settings.
        real: Real samples, for losses that compare with them, and the labels of both.
        generated: Generated samples, float32 [batch, *shape], with their graph.
        precision: ``fp32``, ``tf32``, ``bf16`` or ``fp16``.

    Returns:
        The loss, detached.
    """
    loss, network = LOSSES[recipe.training.loss], state.discriminator  # frozen: no gradients to average
    network.requires_grad_(False)

    def on_real() -> Tensor:
        with torch.no_grad():
            return _logits(network, state, recipe, real.samples, real.labels)

    with autocast(generated.device, precision), running_statistics_kept(network):
        objective = loss.generator(_logits(network, state, recipe, generated, real.labels), on_real)
    _update(state.generator_optimizer, objective, state.generator_scaling)
    return objective.detach()


def in_one_stage(recipe: Recipe, precision: str) -> bool:
    """Return True if the recipe asks for one stage, and a sample's gradient in the one loss is a multiple of
    that in the other: its logit is one and depends on it alone.
    """
    loss, network = LOSSES[recipe.training.loss], recipe.discriminator
    possible = loss.has_gradient_ratio and not network.has_batch_norm and not network.has_several_logits
    # fp16 rounds the small gradients to 0 that one stage enlarges
    return recipe.training.one_stage and possible and precision != "fp16"


def one_stage_step(
    state: TrainingState, recipe: Recipe, logits: Tensor, judged: Tensor, generated: Tensor
) -> Tensor:
    """Do one update of the generator by the gradient that the discriminator's update left at its samples.

    Shen et al., "Training generative adversarial networks in one stage", CVPR 2021: a sample reaches both
    losses through its logit alone, so its gradient in the one is a multiple of that in the other, and the
    generator's own pass through the discriminator is saved. The discriminator judged before its update.

    Args:
        state: The state to train.
        recipe: Its settings.
        logits: Logits of the generated samples before the update, [batch, 1].
        judged: The samples that the discriminator saw, with their gradient in its loss.
        generated: The same samples with their graph.

    Returns:
        The loss, detached.
    """
    loss = LOSSES[recipe.training.loss]
    ratio = loss.gradient_ratio(logits).view(-1, *[1] * (generated.dim() - 1))
    assert judged.grad is not None
    state.generator_optimizer.zero_grad()
    generated.backward(judged.grad * ratio)
    state.generator_optimizer.step()
    return loss.generator(logits, lambda: logits).detach()


def _generated(state: TrainingState, recipe: Recipe, latents: Tensor, labels: Tensor | None) -> Tensor:
    """Return generated samples. The last ones may be made without dropout, as at inference."""
    network, count = state.passes.generator, math.ceil(len(latents) * recipe.generator.dropout_share)
    if count == len(latents):
        samples: Tensor = network(latents, labels)
        return samples
    first, last = (None, None) if labels is None else (labels[:count], labels[count:])
    dropped = network(latents[:count], first)
    with state.dropout.generator.off():
        return torch.cat((dropped, network(latents[count:], last)))


@torch.no_grad()
def _on_held_out(state: TrainingState, recipe: Recipe, update: int, *, precision: str) -> Tensor | None:
    """Return the logits of held-out samples, with the discriminator in training mode."""
    if state.held_out is None:
        return None
    unseen, network = state.held_out(update), state.discriminator
    with autocast(unseen.samples.device, precision), running_statistics_kept(network):
        return _logits(network, state, recipe, unseen.samples, unseen.labels)


def _logits(
    network: nn.Module, state: TrainingState, recipe: Recipe, samples: Tensor, labels: Tensor | None
) -> Tensor:
    """Return a discriminator's logits of samples, augmented if the recipe says so."""
    changed = augment(samples, recipe.training.augmentation, state.augmentation)
    logits: Tensor = network(changed, labels)
    return logits


def _update(optimizer: torch.optim.Optimizer, objective: Tensor, scaling: LossScaling | None) -> None:
    if scaling is not None:
        scaling.update(optimizer, objective)
        return
    optimizer.zero_grad()
    objective.backward()
    optimizer.step()


def _over_all(outcome: StepOutcome, ranks: Ranks) -> StepOutcome:
    """Return losses and counts of the whole batch, of which each process saw some rows."""
    if ranks.count == 1:
        return outcome
    loss, correct, *_ = outcome.discriminator
    sums = ranks.sum(torch.stack((loss, outcome.generator_loss, *correct.float())))
    losses, counts = sums[:2] / ranks.count, sums[2:].round().long()
    return StepOutcome(outcome.discriminator._replace(loss=losses[0], correct=counts), losses[1])
