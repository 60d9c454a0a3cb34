"""The training loop."""

from typing import Any

import torch

from .batches import Batches
from .monitor import Ending, Monitor, Observer, Score
from .recipe import Recipe
from .run_directory import RunDirectory
from .samples import IMAGE_GRID, SamplePicture
from .state import TrainingState
from .steps import train_step
from .stop import Interrupted, StopRequest


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
    minutes: float | None = None,
    picture: SamplePicture = IMAGE_GRID,
) -> Ending:
    """Train from ``state.step`` to the recipe's last step, writing into the run directory.

    Returns:
        Why it ended: all steps done, no improvement any more, or the time up.

    Raises:
        Interrupted: SIGINT or SIGTERM came; the state is saved.
        TrainingError: Training went wrong more often than the recipe allows; the last checkpoint is
            from before.
        OutputError: A file cannot be written.
    """
    monitor = Monitor(
        state,
        recipe,
        batches,
        run,
        device=device,
        about=about,
        observer=observer,
        score=score,
        minutes=minutes,
        picture=picture,
    )
    with StopRequest() as stop, monitor:
        ending = monitor.begin()
        while ending is None:
            state.set_learning_rates(recipe)
            done = train_step(state, recipe, batches, device=device, precision=precision)
            monitor.meter.add(done)
            ending = monitor.after_step(stop)
        monitor.finish()
    if ending is Ending.SIGNAL:
        assert stop.signal_number is not None
        raise Interrupted(
            f"stopped after step {state.step} of {recipe.training.steps}, everything is saved;"
            f" go on with: dropgan train --resume -o {run.path}",
            stop.signal_number,
        )
    return ending
