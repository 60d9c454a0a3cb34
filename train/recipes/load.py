"""Load recipes from files, checked before anything starts."""

import copy
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dropgan.serve.ordinary import read_text
from dropgan.serve.parsing import parse_toml
from dropgan.serve.printable import as_text

from ..settings import RecipeError
from .architectures import SHORT, expand, put_over, recipe_type_of
from .incompatible import incompatible_settings
from .problems import problems, settings_of, unknown_setting
from .settings import Recipe
from .text import TomlText, read_toml


def change_recipe(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """Return a copy of a recipe with some settings changed.

    Args:
        recipe: The recipe; it is not modified.
        changes: Dotted key (``generator.dropout``) to value. A string is read as the TOML value it
            spells, or as itself if it spells none.

    Raises:
        RecipeError: A key does not exist, a value is impossible, or two settings are incompatible.
    """
    document, changed = recipe.model_dump(mode="json"), dict[str, Any]()
    for key, value in changes.items():
        *tables, last = key.split(".")
        table: Any = changed
        for name in tables:
            table = table.setdefault(name, {}) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table[last] = _toml_value(value) if isinstance(value, str) else value
    put_over(document, changed)
    kind = recipe_type_of(document)
    known = {SHORT, *settings_of(kind)}
    for key in changes:
        if key not in known:
            raise RecipeError(f"{unknown_setting(key, kind)}; dropgan train --show-recipe lists all settings")
    return parse_recipe(document, "the changed recipe")


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with dropgan."""
    folder = resources.files(__name__.rpartition(".")[0])
    return sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml"))


@dataclass(frozen=True)
class RecipeLayer:
    """One of the files that a recipe is made of."""

    where: str
    """Name of a recipe that comes with dropgan, or path."""
    text: TomlText


def load_recipe(name: str) -> Recipe:
    """Load a recipe by its name or by the path of a TOML file.

    A file that begins with ``base = "NAME"`` (or the path of a file, relative to this one) contains only the
    differences from that recipe.

    Raises:
        RecipeError: The recipe does not exist or has a mistake. The message has the key, the file and the
            line.
    """
    layers = recipe_layers(name)
    document: dict[str, Any] = {}
    for layer in layers:
        put_over(document, layer.text.document)
    if "name" not in layers[-1].text.document:
        document["name"] = as_text(Path(layers[-1].where).stem)
    for key in ("base", "run"):  # recipe.toml of a run directory says in [run] what it ran on
        document.pop(key, None)

    def place(key: str) -> str:
        """Return the file and the line of a setting, or of the nearest table around it."""
        while key:
            found = statement_of(key, layers)
            if found is not None:
                layer, name = found
                return f"{layer.where}, line {layer.text.statements[name].line}"
            key = key.rpartition(".")[0]
        return layers[-1].where

    return parse_recipe(document, layers[-1].where, place)


def recipe_layers(name: str) -> list[RecipeLayer]:
    """Return the files of a recipe, base files first.

    Raises:
        RecipeError: One of them cannot be read or is not TOML, or they build on each other in a
            circle.
    """
    layers: list[RecipeLayer] = []
    while True:
        if any(layer.where == name for layer in layers):
            chain = ", ".join([*(layer.where for layer in layers), name])
            raise RecipeError(f"recipes build on each other in a circle: {chain}")
        layers.append(RecipeLayer(name, _read(name)))
        base = layers[-1].text.document.get("base")
        if base is None:
            return layers[::-1]
        if not isinstance(base, str):
            raise RecipeError(f'{name}: base names a recipe or a file, as in base = "mlp", not {base!r}')
        # from where the file stands; an absolute path stays as it is
        name = os.path.normpath(Path(name).parent / base) if base.endswith(".toml") else base


def statement_of(key: str, layers: list[RecipeLayer]) -> tuple[RecipeLayer, str] | None:
    """Return the last file that sets a setting, and the key under which it does.

    Args:
        key: Dotted key. A network's architecture may also be set for both networks.
        layers: The files, base files first.
    """
    names = [key, *([SHORT] if key.endswith(f".{SHORT}") else [])]
    found = ((layer, name) for layer in reversed(layers) for name in names if name in layer.text.statements)
    return next(found, None)


def parse_recipe(document: dict[str, Any], where: str, place: Callable[[str], str] | None = None) -> Recipe:
    """Parse a recipe from the content of a TOML file.

    Args:
        document: The content.
        where: The file, for messages.
        place: Returns the file and the line of a dotted key; None names the file alone.

    Raises:
        RecipeError: Keys are unknown or missing, values are impossible, or combinations are refused. The
            message lists all of them.
    """
    document = copy.deepcopy(document)
    expand(document)
    kind = recipe_type_of(document)
    try:
        # as JSON, in which strictness is about types and not about lists being tuples
        recipe = kind.model_validate_json(json.dumps(document, default=_plain), strict=True)
    except ValidationError as error:
        found = [((place(key) if place else where), text) for key, text in problems(error, kind)]
    else:
        found = [(where, text) for text in incompatible_settings(recipe)]
        if not found:
            return recipe
    places = {spot for spot, _ in found}
    if len(places) == 1:
        raise RecipeError(f"{places.pop()}: {'; '.join(text for _, text in found)}")
    raise RecipeError("; ".join(f"{spot}: {text}" for spot, text in found))


def _read(name: str) -> TomlText:
    try:
        if name.endswith(".toml"):
            text = read_text(Path(name))
        elif name in recipe_names():
            text = (resources.files(__name__.rpartition(".")[0]) / f"{name}.toml").read_text("utf-8")
        else:
            raise RecipeError(
                f"there is no recipe {name}: use one of {', '.join(recipe_names())}, or a .toml file"
            )
        return read_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name} is not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read {name}: {error}") from error


def _plain(value: Any) -> Any:
    """Convert values that JSON does not have: numpy numbers to Python's, dates to text, which
    fits nowhere.
    """
    return value.item() if hasattr(value, "item") else str(value)


def recipe_differences(before: Recipe, after: Recipe) -> list[str]:
    """Return each setting in which two recipes differ, as ``key was A, now B``.

    Settings that exist in only one of two architectures are covered by the architecture.
    """
    old, new = (_flat(recipe.model_dump(mode="json")) for recipe in (before, after))
    return [f"{key} was {old[key]}, now {new[key]}" for key in old if key in new and old[key] != new[key]]


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _toml_value(text: str) -> Any:
    try:
        return parse_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
