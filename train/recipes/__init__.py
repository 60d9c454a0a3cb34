"""Recipes: all settings of a training run, and the TOML files that come with dropgan."""

from ..settings import RecipeError
from .choose import Asked, asked_recipe
from .load import (
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
    "Asked",
    "Recipe",
    "RecipeError",
    "RecipeLayer",
    "asked_recipe",
    "change_recipe",
    "load_recipe",
    "parse_recipe",
    "recipe_differences",
    "recipe_layers",
    "recipe_names",
    "recipes_with_descriptions",
    "show_recipe",
]
