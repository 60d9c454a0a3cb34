"""Fit a number of steps to a time."""

import json
from collections.abc import Collection

from ..distributed.ranks import Ranks
from ..networks import SampleSpec
from ..recipes import Recipe, change_recipe
from .facts import TimeFacts
from .plan import Plan
from .rehearsal import seconds_per_step

_STEPS = "training.steps"
_TIMES = {"output.log_interval": 50, "output.sample_interval": 10, "output.checkpoint_interval": 10}
"""How often at least, in a short run, something happens that a recipe has every so many steps."""
FITTED = (_STEPS, *_TIMES)
"""Settings that may be fitted."""


def fit_steps(
    recipe: Recipe, said: Collection[str], minutes: float, spec: SampleSpec, plan: Plan, ranks: Ranks
) -> tuple[Recipe, TimeFacts]:
    """Return the recipe with as many steps as the time allows, at the rate measured here.

    A short run also writes samples, scores and checkpoints more often than the recipe says, unless the user
    set these intervals.

    Args:
        recipe: The recipe.
        said: Settings that the user chose, by dotted key.
        minutes: Time for all steps.
        spec: Spec of the samples.
        plan: Device, precision and threads; the process is already set up for them.
        ranks: The processes. The leader measures.
    """

    def measure() -> bytes:
        return json.dumps(seconds_per_step(recipe, spec, plan.device, plan.precision)).encode()

    seconds: float = json.loads(ranks.share(measure))
    steps = max(1, round(60 * minutes / seconds))
    changes = {_STEPS: steps}
    for key, times in _TIMES.items():
        usual: int = getattr(recipe.output, key.rpartition(".")[2])
        if key not in said:
            changes[key] = min(usual, max(1, steps // times))
    return change_recipe(recipe, changes), TimeFacts(minutes, seconds, ((0, steps),))
