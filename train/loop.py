"""The training loop."""

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..serve.errors import DropganError
from .batches import Batches
from .checkpoint import save_checkpoint
from .recipe import Recipe
from .run_directory import RunDirectory
from .samples import IMAGE_GRID, SamplePicture, write_samples
from .state import TrainingState
from .steps import train_step
from .stop import Interrupted, StopRequest

Observer = Callable[[dict[str, float]], None]
"""Called with each row of metrics.jsonl as it is written."""

Score = Callable[[nn.Module], dict[str, float]]
"""Called with the averaged generator, in eval mode, wherever a sample grid is written; what it gives
goes into metrics.jsonl. It must not draw from torch's global generator."""


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
    picture: SamplePicture = IMAGE_GRID,
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
            d_loss, g_loss = train_step(state, recipe, batches, device=device, precision=precision)
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
                write_samples(state, recipe, run, device, picture)
            if keep:
                save_checkpoint(run.last_checkpoint, state.to_checkpoint(about))
            if interrupted and not last:
                assert stop.signal_number is not None
                raise Interrupted(
                    f"stopped after step {state.step} of {training.steps}, everything is saved;"
                    f" go on with: dropgan train --resume -o {run.path}",
                    stop.signal_number,
                )


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
