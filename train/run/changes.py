"""What may and may not change when a run is resumed."""

from collections.abc import Mapping
from typing import Any

from ..recipes import Recipe, change_recipe, recipe_differences
from .directory import RunError

CHANGEABLE = (
    "training.steps",
    "training.patience",
    "training.schedule",
    "generator.learning_rate",
    "discriminator.learning_rate",
    "output.",
    "health.",
)
"""Settings that ``--resume`` may change with ``--set``; a name that ends in a dot is a whole table.
They alter how training goes on. The others would make it another run: the checkpoint's networks,
averages or order of data would not be what the recipe says."""


class ResumeError(RunError):
    """A run cannot continue because something has changed."""

    exit_code = 2


def may_change(key: str) -> bool:
    """Return True if a setting may change when a run is resumed."""
    return key.startswith(tuple(name for name in CHANGEABLE if name.endswith("."))) or key in CHANGEABLE


def changed_recipe(begun: Recipe, changes: Mapping[str, Any], given: Recipe | None = None) -> Recipe:
    """Return the recipe with which a run continues.

    Args:
        begun: The recipe in the run directory.
        changes: Settings by dotted key, as for `change_recipe`.
        given: A recipe that was passed along with ``--resume``. It must be the recipe of the run, except
            for settings in ``changes`` that may change.

    Raises:
        ResumeError: Another setting differs. The message has each with both values.
        RecipeError: A key does not exist or a value is impossible.
    """
    recipe = change_recipe((given or begun), dict(changes))
    differences = recipe_differences(begun, recipe)
    refuse([text for text in differences if not may_change(key := text.split(" ")[0]) or key not in changes])
    return recipe


def refuse(differences: list[str]) -> None:
    """Refuse to resume if there are differences.

    Raises:
        ResumeError: There are differences. The message lists them.
    """
    if differences:
        names = [name if not name.endswith(".") else f"{name}*" for name in CHANGEABLE]
        raise ResumeError(
            f"a resumed run keeps its settings, but {'; '.join(differences)}. Leave that out, or start a new"
            f" run; beside --resume, --set may change {', '.join(names)}"
        )
