"""Recipes: every setting of a training run, and the TOML files that come with dropgan."""

from ..settings import RecipeError
from .choose import chosen_recipe
from .load import (
    DEFAULT_RECIPE,
    RecipeLayer,
    change_recipe,
    load_recipe,
    parse_recipe,
    recipe_differences,
    recipe_layers,
    recipe_names,
)
from .settings import Recipe
from .show import recipes_with_descriptions, show_recipe

__all__ = [
    "DEFAULT_RECIPE",
    "Recipe",
    "RecipeError",
    "RecipeLayer",
    "change_recipe",
    "chosen_recipe",
    "load_recipe",
    "parse_recipe",
    "recipe_differences",
    "recipe_layers",
    "recipe_names",
    "recipes_with_descriptions",
    "show_recipe",
]
