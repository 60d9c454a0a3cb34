"""The training loop, the same in every process of a run."""

from ..data.batches import Batches
from ..distributed.data_parallel import follow_leader
from ..monitor import Ending, Follower, Monitor
from ..recipes.settings import Recipe
from ..steps.state import TrainingState
from ..steps.step import train_step
from .plan import Plan
from .stop import StopRequest

_ENDINGS: tuple[Ending | None, ...] = (None, *Ending)


def training_loop(
    state: TrainingState,
    recipe: Recipe,
    batches: Batches,
    monitor: Monitor | Follower,
    stop: StopRequest,
    plan: Plan,
) -> Ending:
    """Train from ``state.step`` until the leader's monitor, or a signal to any process, ends it.

    Raises:
        TrainingError: Training went wrong more often than the recipe allows.
        OutputError: A file cannot be written.
    """
    with monitor:
        ending = _agreed(state, monitor.begin(), stop)
        while ending is None:
            state.set_learning_rates(recipe)
            monitor.add(train_step(state, recipe, batches, device=plan.device, precision=plan.precision))
            ending = _agreed(state, monitor.after_step(stop), stop)
        monitor.finish()
    return ending


def _agreed(state: TrainingState, ending: Ending | None, stop: StopRequest) -> Ending | None:
    """Return the leader's decision about this step, in every process.

    A signal to any process becomes known to all here, and the leader acts on it after its next step. If the
    leader returned to a checkpoint, the others follow.
    """
    if state.ranks.count == 1:
        return ending
    known, own = len(state.rollbacks), stop.signal_number or 0
    leaders = state.timetable.steps if state.ranks.leader else 0
    number, code, most, least, steps = state.ranks.largest(
        (own, _ENDINGS.index(ending), known, -known, leaders)
    )
    if steps != state.timetable.steps:
        state.timetable = state.timetable.changed(state.step, steps)
    if number:  # one that came meanwhile is kept for the next step
        stop.signal_number = number
    if most > -least:
        follow_leader(state)
    return _ENDINGS[code]
