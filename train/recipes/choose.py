"""The recipe of a new run, from what the user says of it."""

from collections.abc import Mapping
from typing import Any

from .load import DEFAULT_RECIPE, change_recipe, load_recipe
from .settings import Recipe

AUTO = "auto"


def chosen_recipe(
    recipe: Recipe | str = AUTO,
    *,
    steps: int | None = None,
    seed: int | None = None,
    conditional: bool | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Recipe:
    """A recipe by its name, with changes.

    Args:
        recipe: The name of a recipe that comes with dropgan, a TOML file's path, ``auto`` for the
            default one, or a recipe.
        steps: For ``training.steps``, if not None.
        seed: For ``training.seed``, if not None.
        conditional: For ``conditional``, if not None.
        settings: Other settings by dotted key, as for `change_recipe`.

    Raises:
        RecipeError: There is no such recipe or setting, or a value is impossible.
    """
    if isinstance(recipe, str):
        recipe = load_recipe(DEFAULT_RECIPE if recipe == AUTO else recipe)
    named = {"training.steps": steps, "training.seed": seed, "conditional": conditional}
    return change_recipe(
        recipe, {**(settings or {}), **{key: value for key, value in named.items() if value is not None}}
    )
