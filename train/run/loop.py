"""The training loop."""

from typing import Any

import torch

from ..data.batches import Batches
from ..distributed.data_parallel import follow_leader
from ..monitor import Ending, Monitor, Observer, Score
from ..monitor.samples import IMAGE_GRID, SamplePicture
from ..recipes.settings import Recipe
from ..steps.state import TrainingState
from ..steps.step import train_step
from .directory import RunDirectory
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
    if not state.ranks.leader:
        return _follow(state, recipe, batches, device=device, precision=precision)
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
        ending = _agreed(state, monitor.begin(), stop)
        while ending is None:
            state.set_learning_rates(recipe)
            done = train_step(state, recipe, batches, device=device, precision=precision)
            monitor.meter.add(done)
            ending = _agreed(state, monitor.after_step(stop), stop)
        monitor.finish()
    if ending is Ending.SIGNAL:
        assert stop.signal_number is not None
        raise Interrupted(
            f"stopped after step {state.step} of {recipe.training.steps}, everything is saved;"
            f" go on with: dropgan train --resume -o {run.path}",
            stop.signal_number,
        )
    return ending


_ENDINGS: tuple[Ending | None, ...] = (None, *Ending)


def _follow(
    state: TrainingState, recipe: Recipe, batches: Batches, *, device: torch.device, precision: str
) -> Ending:
    """The loop of every process but the leader: it trains along, writes nothing and decides nothing.

    Raises:
        Interrupted: A signal came to any of the processes; the leader has saved the state.
    """
    with StopRequest() as stop:
        ending = _agreed(state, None, stop)
        while ending is None:
            state.set_learning_rates(recipe)
            train_step(state, recipe, batches, device=device, precision=precision)
            ending = _agreed(state, None, stop)
    if ending is Ending.SIGNAL:
        assert stop.signal_number is not None
        raise Interrupted("stopped with the first process", stop.signal_number)
    return ending


def _agreed(state: TrainingState, ending: Ending | None, stop: StopRequest) -> Ending | None:
    """What the leader says of this step, in every process; alone, what this one says.

    A signal to any process becomes known to all here, and the leader acts on it after its next step.
    Where the leader went back to a checkpoint, the others follow.
    """
    if state.ranks.count == 1:
        return ending
    known, own = len(state.rollbacks), stop.signal_number or 0
    number, code, most, least = state.ranks.largest((own, _ENDINGS.index(ending), known, -known))
    if number:  # one that came meanwhile is kept for the next step
        stop.signal_number = number
    if most > -least:
        follow_leader(state)
    return _ENDINGS[code]
