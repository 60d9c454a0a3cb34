"""The recipe of a new run: what the user asks for, and what becomes of it once the data are known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..settings import RecipeError
from .auto import AUTO, TABLE, Chosen, Seen, choose
from .load import change_recipe, load_recipe, recipe_differences
from .settings import OutputSettings, Recipe

_CONDITIONAL = "conditional"
_SCORES, _LEAST_INTERVAL = 10, 100


@dataclass(frozen=True)
class Asked:
    """What the user says of a recipe."""

    recipe: Recipe | None = None
    """Whole, with all changes; None leaves it to the data."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings by dotted key, for a recipe that the data decide."""
    said: frozenset[str] = frozenset()
    """The settings that were said beside a recipe, by dotted key."""

    def settled(self, seen: Seen) -> tuple[Recipe, Chosen]:
        """The recipe for data, and what was chosen by them.

        Raises:
            RecipeError: A setting is not one of the recipe that was chosen, or impossible in it.
        """
        if self.recipe is not None:
            return self.recipe, Chosen()
        chosen = choose(seen, self._conditional())
        try:
            return self._with(chosen), chosen
        except RecipeError as error:
            raise RecipeError(
                f"{error} (recipe {chosen.recipe} was chosen by the data: --recipe NAME)"
            ) from error

    def differences(self, begun: Recipe, chosen: Chosen, fitted: Iterable[str] = ()) -> list[str]:
        """Each setting that is asked for and that a run began otherwise, as ``key was A, now B``.

        Args:
            begun: The run's recipe.
            chosen: What was chosen by its data when it began.
            fitted: Settings that were fitted to its time; they differ only if they are said.
        """
        if self.recipe is None and not chosen.recipe:
            return [f"recipe was {begun.name}, now {AUTO}"]
        recipe = self._with(chosen) if self.recipe is None else self.recipe
        unsaid = [f"{key} was " for key in fitted if key not in self.said]
        return [text for text in recipe_differences(begun, recipe) if not text.startswith(tuple(unsaid))]

    def _conditional(self) -> bool | None:
        """What is said of labels: any recipe tells how TOML spells it."""
        if _CONDITIONAL not in self.changes:
            return None
        said = {_CONDITIONAL: self.changes[_CONDITIONAL]}
        return change_recipe(load_recipe(TABLE[0].recipe), said).conditional

    def _with(self, chosen: Chosen) -> Recipe:
        labels = {_CONDITIONAL: chosen.conditional}
        return change_recipe(load_recipe(chosen.recipe), {**labels, **self.changes})


def _shorter(changes: Mapping[str, Any]) -> dict[str, int]:
    """A shorter interval of scores, if a run is cut short: the best of two or three would be any.

    Ten scores, but each after 100 steps or more, so that scoring takes less time than training.
    """
    steps = changes.get("training.steps")
    if not isinstance(steps, int) or steps < 1:
        return {}
    shorter = max(_LEAST_INTERVAL, steps // _SCORES)
    return {"output.sample_interval": shorter} if shorter < OutputSettings().sample_interval else {}


def asked_recipe(
    recipe: Recipe | str = AUTO,
    *,
    steps: int | None = None,
    seed: int | None = None,
    conditional: bool | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Asked:
    """What a caller says of a recipe, checked as far as it can be without the data.

    Args:
        recipe: The name of a recipe that comes with dropgan, a TOML file's path, a recipe, or ``auto``:
            the one for the data.
        steps: For ``training.steps``, if not None.
        seed: For ``training.seed``, if not None.
        conditional: For ``conditional``, if not None.
        settings: Other settings by dotted key, as for `change_recipe`.

    Raises:
        RecipeError: There is no such recipe or setting, or a value is impossible.
    """
    named = {"training.steps": steps, "training.seed": seed, _CONDITIONAL: conditional}
    changes = {**(settings or {}), **{key: value for key, value in named.items() if value is not None}}
    said = frozenset(changes)
    shorter = _shorter(changes)
    if recipe != AUTO:
        base = load_recipe(recipe) if isinstance(recipe, str) else recipe
        usual = base.output.sample_interval == OutputSettings().sample_interval
        return Asked(change_recipe(base, {**(shorter if usual else {}), **changes}), said=said)
    changes = {**shorter, **changes}
    refused = []
    for row in TABLE:
        try:
            change_recipe(load_recipe(row.recipe), changes)
        except RecipeError as error:
            refused.append(error)
    if len(refused) == len(TABLE):
        raise refused[0]
    return Asked(None, changes, said)
