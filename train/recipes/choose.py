"""Choose the recipe of a new run from the user's wishes and, once they are known, the data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..settings import RecipeError
from .auto import AUTO, TABLE, Chosen, Seen, choose
from .load import change_recipe, load_recipe, recipe_differences
from .problems import UNKNOWN
from .settings import OutputSettings, Recipe

_CONDITIONAL, _CLUSTERS = "conditional", "clusters"
_SCORES, _LEAST_INTERVAL = 10, 100


@dataclass(frozen=True)
class Asked:
    """The user's wishes for a recipe."""

    recipe: Recipe | None = None
    """Complete recipe with all changes; None if the data decide."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings by dotted key, for a recipe that depends on the data."""
    said: frozenset[str] = frozenset()
    """Settings that the user set besides the recipe, by dotted key."""

    def settled(self, seen: Seen) -> tuple[Recipe, Chosen]:
        """Return the recipe for data, and the choice that the data led to.

        Raises:
            RecipeError: A setting does not exist in the chosen recipe, or is impossible in it.
        """
        if self.recipe is not None:
            return self.recipe, Chosen()
        chosen = choose(seen, *self._labels())
        try:
            return self._with(chosen), chosen
        except RecipeError as error:
            raise RecipeError(
                f"{error} (recipe {chosen.recipe} was chosen by the data: --recipe NAME)"
            ) from error

    def differences(self, begun: Recipe, chosen: Chosen, fitted: Iterable[str] = ()) -> list[str]:
        """Return each requested setting with which the run did not begin, as ``key was A, now B``.

        Args:
            begun: The run's recipe.
            chosen: The choice that the data led to when the run began.
            fitted: Settings that were fitted to its time. They differ only if the user sets them.
        """
        if self.recipe is None and not chosen.recipe:
            return [f"recipe was {begun.name}, now {AUTO}"]
        recipe = self._with(chosen) if self.recipe is None else self.recipe
        unsaid = [f"{key} was " for key in fitted if key not in self.said]
        return [text for text in recipe_differences(begun, recipe) if not text.startswith(tuple(unsaid))]

    def _labels(self) -> tuple[bool | None, int | None]:
        """Return the wishes about labels and clusters. Any recipe can parse how TOML spells them."""
        said = {key: self.changes[key] for key in (_CONDITIONAL, _CLUSTERS) if key in self.changes}
        # clusters without labels would be refused before the data have decided
        read = change_recipe(load_recipe(TABLE[0].recipe), {_CONDITIONAL: True, **said})
        return (
            read.conditional if _CONDITIONAL in said else None,
            read.clusters if _CLUSTERS in said else None,
        )

    def _with(self, chosen: Chosen) -> Recipe:
        own: dict[str, Any] = {_CONDITIONAL: chosen.conditional, _CLUSTERS: chosen.clusters}
        if chosen.finest:
            own["generator.finest"] = chosen.finest
        return change_recipe(load_recipe(chosen.recipe), {**own, **self.changes})


def _shorter(changes: Mapping[str, Any]) -> dict[str, int]:
    """Shorten the interval of scores for a shortened run; the best of two or three scores would be arbitrary.

    The run gets ten scores, each after 100 steps or more, so that scoring takes less time than training.
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
    """Check a caller's wishes for a recipe, as far as possible without the data.

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
    if str(changes.get(_CLUSTERS, 0)) != "0":  # they are learned as labels
        changes = {_CONDITIONAL: True, **changes}
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
        # a recipe that has all of the settings says more of a wrong value than one that lacks them
        raise next((error for error in refused if UNKNOWN not in str(error)), refused[0])
    return Asked(None, changes, said)
