"""Print a recipe as TOML that explains each setting and the reason for its value."""

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import tomli_w
from pydantic import BaseModel

from .architectures import NETWORKS, SHORT
from .load import RecipeLayer, recipe_layers, recipe_names, statement_of
from .problems import settings_of
from .settings import Recipe

_WIDTH = 98  # of comments


def recipes_with_descriptions() -> dict[str, str]:
    """Return the recipes that come with dropgan, with the first sentence of each file."""
    described = {}
    for name in recipe_names():
        head = " ".join(recipe_layers(name)[-1].text.head)
        # "et al. 2016" does not end a sentence
        described[name] = re.split(r"(?<=\.) (?=[A-Z])", head)[0]
    return described


def show_recipe(recipe: Recipe, layers: list[RecipeLayer]) -> str:
    """Return the complete recipe as TOML, which is a valid recipe file.

    A comment above each setting explains it. A comment after it has the file's reason for the value, unless
    the value was changed here.

    Args:
        recipe: The recipe with all changes.
        layers: The files that it came from, see `recipe_layers`.
    """
    head = layers[-1].text.head or (f"Recipe {recipe.name}.",)
    short = recipe.generator.architecture == recipe.discriminator.architecture
    return "\n".join([*_comments(head), "", *_table(recipe, "", layers, short=short)]) + "\n"


def _table(settings: BaseModel, prefix: str, layers: list[RecipeLayer], *, short: bool) -> Iterator[str]:
    """Yield the lines of a table's settings, then of its tables; ``short`` omits the networks'
    architectures.
    """
    described = settings_of(type(settings))
    tables = {name: part for name, part in settings if isinstance(part, BaseModel)}
    for name, value in settings.model_dump(mode="json").items():
        if name not in tables and not (short and name == SHORT):
            yield from _setting(prefix + name, value, described[name].description or "", layers)
    if short and not prefix:
        network = tables[NETWORKS[0]]
        what = f"Of both networks; [{'] and ['.join(NETWORKS)}] may each name another."
        yield from _setting(f"{NETWORKS[0]}.{SHORT}", getattr(network, SHORT), what, layers)
    for name, part in tables.items():
        yield from ("", f"[{prefix}{name}]")
        yield from _table(part, f"{prefix}{name}.", layers, short=short)


def _setting(key: str, value: Any, what: str, layers: list[RecipeLayer]) -> Iterator[str]:
    """Yield the explanation of a setting, its value, and the reason."""
    lines = textwrap.wrap(" ".join(what.split()), _WIDTH)
    above, behind = _why(key, value, layers)
    yield from _comments(line for line in above if line not in lines)
    yield from _comments(lines)
    yield f"{key.rpartition('.')[2]} = {_value(value)}" + (f"  # {behind}" if behind else "")


def _why(key: str, value: Any, layers: list[RecipeLayer]) -> tuple[tuple[str, ...], str]:
    """Return the comments of the last file that sets the setting, if the value is still the file's."""
    found = statement_of(key, layers)
    if found is None:
        return (), ""
    layer, name = found
    given: Any = layer.text.document
    for part in name.split("."):
        given = given[part]
    statement = layer.text.statements[name]
    return (statement.above, statement.behind) if given == value else ((), "")


def _comments(lines: Any) -> Iterator[str]:
    return (f"# {line}".rstrip() for line in lines)


def _value(value: Any) -> str:
    """Return a value as TOML on one line."""
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    return tomli_w.dumps({"v": value}).partition("=")[2].strip()
