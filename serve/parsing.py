"""Parse untrusted JSON and TOML without a crash on deep nesting, and write JSON that any language reads."""

import json
import math
import tomllib
from typing import Any

MAX_DEPTH = 64
"""Far more than any file of dropgan's has, and far less than Python's stack holds."""


def parse_json(text: str | bytes) -> Any:
    """Parse a JSON text.

    Raises:
        ValueError: It is not valid JSON, or nested more deeply than any of dropgan's files.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    if _is_deep(value):
        raise ValueError(_too_deep())
    return value


def json_text(value: Any, indent: int | None = None) -> str:
    """Return a value as standard JSON.

    NaN and infinity, which Python would write although JSON has neither, become null.

    Args:
        value: Nested dicts, lists, tuples, strings and numbers.
        indent: Spaces per level; None writes everything on one line.
    """
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def parse_toml(text: str) -> dict[str, Any]:
    """Parse a TOML text.

    Raises:
        tomllib.TOMLDecodeError: It is not valid TOML, or nested more deeply than any of dropgan's files.
    """
    try:
        value = tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError(_too_deep()) from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # of int: more digits than Python reads
        raise tomllib.TOMLDecodeError("a number in it has too many digits") from None
    if _is_deep(value):  # keys with many dots make depth without brackets
        raise tomllib.TOMLDecodeError(_too_deep())
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return False
    return True


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return []
    return [inner for inner in value if isinstance(inner, dict | list)]


def _too_deep() -> str:
    return f"it is nested more than {MAX_DEPTH} deep"
