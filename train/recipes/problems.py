"""Describe what is wrong with a recipe."""

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ..networks.build import designs
from .architectures import NETWORKS

UNKNOWN = "there is no setting"
"""How a message about a setting that does not exist begins."""


def settings_of(model: type[BaseModel], prefix: str = "") -> dict[str, FieldInfo]:
    """Return every setting and table of a settings model by dotted key, tables before their contents."""
    found: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        found[prefix + name] = field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= settings_of(field.annotation, f"{prefix}{name}.")
    return found


def unknown_setting(key: str, model: type[BaseModel]) -> str:
    """Return a message that a setting does not exist, with the nearest one that does.

    A setting of the same name in another table comes first, then the most similar spelling.
    """
    known = settings_of(model)
    table, _, last = key.rpartition(".")
    if table in NETWORKS:
        having = [name for name, design in designs(table).items() if last in design.settings.model_fields]
        if having:
            return f"{UNKNOWN} {key} in this architecture, but in {', '.join(having)}"
    moved = [name for name in known if name.rpartition(".")[2] == last]
    near = moved or difflib.get_close_matches(key, known, 1) or _near_by_last_part(last, known)
    return f"{UNKNOWN} {key}" + (f"; did you mean {near[0]}?" if near else "")


def _near_by_last_part(last: str, known: dict[str, FieldInfo]) -> list[str]:
    by_last = {name.rpartition(".")[2]: name for name in known}
    return [by_last[name] for name in difflib.get_close_matches(last, by_last, 1)]


def problems(error: ValidationError, model: type[BaseModel]) -> list[tuple[str, str]]:
    """Return each error that pydantic found: the dotted key, and a message that includes it."""
    return [_problem(found, model) for found in error.errors(include_url=False)]


def _problem(found: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    names = [part for part in found["loc"] if isinstance(part, str)]
    key = ".".join(names)
    items = "".join(f"[{part}]" for part in found["loc"] if isinstance(part, int))
    if found["type"] == "extra_forbidden":
        return key, unknown_setting(key, model)
    if found["type"] == "missing":
        return key, f'{key} is missing; base = "mlp" at the top takes what a file does not say from mlp'
    if found["type"] in ("model_type", "dict_type"):
        return key, f"{key} is a table: write [{key}], and its settings below"
    return key, f"{key}{items}: {found['msg']}{_given(found['input'])}"


def _given(value: Any) -> str:
    text = repr(value)
    return f", not {text}" if isinstance(value, str | int | float) and len(text) <= 60 else ""
