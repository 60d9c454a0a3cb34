"""A recipe as TOML that says what each setting is and why it has its value."""

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import tomli_w
from pydantic import BaseModel

from .load import RecipeLayer, recipe_layers, recipe_names
from .problems import settings_of
from .settings import Recipe

_WIDTH = 98  # of comments


def recipes_with_descriptions() -> dict[str, str]:
    """The recipes that come with dropgan, and the sentence with which each file begins."""
    described = {}
    for name in recipe_names():
        head = " ".join(recipe_layers(name)[-1].text.head)
        # "et al. 2016" does not end a sentence
        described[name] = re.split(r"(?<=\.) (?=[A-Z])", head)[0]
    return described


def show_recipe(recipe: Recipe, layers: list[RecipeLayer]) -> str:
    """The whole recipe as TOML; saved, it is a recipe file that says the same.

    Above each setting stands what it is, behind it why the file gives it this value, unless the
    value is another one here.

    Args:
        recipe: With all changes.
        layers: The files that it came from, see `recipe_layers`.
    """
    head = layers[-1].text.head or (f"Recipe {recipe.name}.",)
    return "\n".join([*_comments(head), "", *_table(recipe, "", layers)]) + "\n"


def _table(settings: BaseModel, prefix: str, layers: list[RecipeLayer]) -> Iterator[str]:
    """Lines of a table's settings, then of its tables."""
    described = settings_of(type(settings))
    values = settings.model_dump(mode="json")
    tables = {name for name in values if isinstance(getattr(settings, name), BaseModel)}
    for name in values:
        if name in tables:
            continue
        what = textwrap.wrap(" ".join((described[name].description or "").split()), _WIDTH)
        above, behind = _why(prefix + name, values[name], layers)
        yield from _comments(line for line in above if line not in what)
        yield from _comments(what)
        yield f"{name} = {_value(values[name])}" + (f"  # {behind}" if behind else "")
    for name in values:
        if name in tables:
            yield from ("", f"[{prefix}{name}]")
            yield from _table(getattr(settings, name), f"{prefix}{name}.", layers)


def _why(key: str, value: Any, layers: list[RecipeLayer]) -> tuple[tuple[str, ...], str]:
    """The comments of the last file that gives the setting, if it gives it this value."""
    for layer in reversed(layers):
        if key in layer.text.statements:
            given: Any = layer.text.document
            for part in key.split("."):
                given = given[part]
            statement = layer.text.statements[key]
            return (statement.above, statement.behind) if given == value else ((), "")
    return (), ""


def _comments(lines: Any) -> Iterator[str]:
    return (f"# {line}".rstrip() for line in lines)


def _value(value: Any) -> str:
    """TOML on one line."""
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    return tomli_w.dumps({"v": value}).partition("=")[2].strip()
