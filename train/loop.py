"""The training loop."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..serve.atomic import write_bytes
from ..serve.errors import DropganError
from ..serve.latents import LatentStream
from ..serve.pictures import encode_png, grid
from .batches import Batches
from .checkpoint import save_checkpoint
from .losses import discriminator_loss, generator_loss
from .penalties import r1_penalty
from .pixels import to_pixels
from .recipe import Recipe
from .run_directory import RunDirectory
from .state import TrainingState, autocast
from .stop import Interrupted, StopRequest

Observer = Callable[[dict[str, float]], None]
"""Called with each row of metrics.jsonl as it is written."""

Score = Callable[[nn.Module], dict[str, float]]
"""Called with the averaged generator, in eval mode, wherever a sample grid is written; what it gives
goes into metrics.jsonl. It must not draw from torch's global generator."""

GRID_SAMPLES = 64


class TrainingError(DropganError):
    """Training went wrong in a way that going on cannot mend."""


def training_loop(
    state: TrainingState,
    recipe: Recipe,
    batches: Batches,
    run: RunDirectory,
    *,
    device: torch.device,
    precision: str,
    about: dict[str, Any],
    observer: Observer,
    score: Score | None = None,
) -> None:
    """Train from ``state.step`` to the recipe's last step, writing into the run directory.

    Raises:
        Interrupted: SIGINT or SIGTERM came; the state is saved.
        TrainingError: A loss is no longer finite; the last checkpoint is from before.
        OutputError: A file cannot be written.
    """
    training, output = recipe.training, recipe.output
    losses, counted, started = torch.zeros(2, device=device), 0, time.monotonic() - state.seconds
    logged = started + state.seconds
    with StopRequest() as stop:
        while state.step < training.steps:
            state.set_learning_rates(recipe)
            reals = batches(state.step)
            latents = torch.randn(len(reals), recipe.generator.latent_dim, device=device)
            with autocast(device, precision):
                fakes = state.generator(latents)
            penalise = recipe.penalty.r1_weight > 0 and state.step % recipe.penalty.r1_interval == 0
            d_loss = discriminator_step(state, recipe, reals, fakes.detach(), precision, penalise)
            g_loss = generator_step(state, fakes, precision)
            state.ema.update(state.step)
            state.step += 1
            losses += torch.stack((d_loss, g_loss))
            counted += 1

            last, interrupted = state.step == training.steps, stop.signal_number is not None
            keep = state.step % output.checkpoint_interval == 0 or last or interrupted
            scored = score is not None and (state.step % output.sample_interval == 0 or last)
            if state.step % output.log_interval == 0 or keep or scored:  # refuses to keep what has diverged
                now = time.monotonic()
                state.seconds = now - started
                row = _metrics(state, losses / counted, counted / (now - logged))
                if score is not None and scored:
                    row |= score(state.ema.module)
                losses, counted, logged = torch.zeros_like(losses), 0, time.monotonic()
                run.append_metrics(row)
                observer(row)
            if state.step % output.sample_interval == 0 or last:
                write_samples(state, recipe, run, device)
            if keep:
                save_checkpoint(run.last_checkpoint, state.to_checkpoint(about))
            if interrupted and not last:
                assert stop.signal_number is not None
                raise Interrupted(
                    f"stopped after step {state.step} of {training.steps}, everything is saved;"
                    f" go on with: dropgan train --resume -o {run.path}",
                    stop.signal_number,
                )


def discriminator_step(
    state: TrainingState,
    recipe: Recipe,
    reals: Tensor,
    fakes: Tensor,
    precision: str,
    penalise: bool,
) -> Tensor:
    """One update of the discriminator; the generator is out of the graph.

    Real and generated images go through in one pass: twice the rows cost less than two passes.

    Args:
        reals: float32 [batch, channels, height, width], -1 to 1.
        fakes: The same of the generator, detached.
        precision: ``fp32`` or ``bf16``.
        penalise: Whether this step carries the R1 penalty, for all the steps of its interval.

    Returns:
        The loss without the penalty, detached.
    """
    discriminator = state.discriminator.requires_grad_(True)
    with autocast(reals.device, precision):
        real_logits, fake_logits = discriminator(torch.cat((reals, fakes))).chunk(2)
        loss = discriminator_loss(real_logits, fake_logits)
        total = loss
        if penalise:
            weight = recipe.penalty.r1_weight * recipe.penalty.r1_interval
            total = loss + weight * r1_penalty(discriminator, reals)
    state.discriminator_optimizer.zero_grad()
    total.backward()
    state.discriminator_optimizer.step()
    return loss.detach()


def generator_step(state: TrainingState, fakes: Tensor, precision: str) -> Tensor:
    """One update of the generator through the discriminator, whose weights are frozen.

    Args:
        fakes: float32 [batch, channels, height, width] with the generator's graph.
        precision: ``fp32`` or ``bf16``.

    Returns:
        The loss, detached.
    """
    discriminator = state.discriminator.requires_grad_(False)
    with autocast(fakes.device, precision):
        loss = generator_loss(discriminator(fakes))
    state.generator_optimizer.zero_grad()
    loss.backward()
    state.generator_optimizer.step()
    return loss.detach()


@torch.no_grad()
def write_samples(state: TrainingState, recipe: Recipe, run: RunDirectory, device: torch.device) -> None:
    """Write a grid of the averaged generator's samples, the same latents at every step.

    They are the first samples of the run's seed: ``dropgan sample`` shows the same garments.
    """
    stream = LatentStream(recipe.generator.latent_dim)
    latents = torch.from_numpy(stream(GRID_SAMPLES, seed=recipe.training.seed)).to(device)
    images: np.ndarray[Any, np.dtype[np.uint8]] = to_pixels(state.ema.module(latents)).cpu().numpy()
    write_bytes(run.sample_file(state.step), encode_png(grid(images, scale=2)))


def _metrics(state: TrainingState, losses: Tensor, rate: float) -> dict[str, float]:
    d_loss, g_loss = losses.tolist()
    if not (math.isfinite(d_loss) and math.isfinite(g_loss)):
        raise TrainingError(
            f"training diverged before step {state.step} (loss {d_loss:.3g} / {g_loss:.3g}): the last"
            " checkpoint is from before that; start again with lower learning rates"
        )
    return {
        "step": state.step,
        "discriminator_loss": d_loss,
        "generator_loss": g_loss,
        "steps_per_second": rate,
        "seconds": state.seconds,
    }
