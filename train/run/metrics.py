"""Read the lines of metrics.jsonl and ignore others."""

import math
import warnings
from pathlib import Path
from typing import Any

from dropgan.serve.ordinary import open_ordinary
from dropgan.serve.parsing import parse_json

_NUMBER, _TEXT, _MAYBE = "a number", "a text", "a number or null"
_KINDS = (
    {
        "discriminator_loss": _NUMBER,
        "generator_loss": _NUMBER,
        "discriminator_weights": _NUMBER,
        "generator_weights": _NUMBER,
    },
    {"score": _MAYBE, "score_name": _TEXT},
    {"event": _TEXT, "message": _TEXT},
)
"""What a line of losses, of a score and of an event must have; each has its step, and may have more, of
losses only numbers."""


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a metrics file; empty if there is none.

    A last line that a crash cut off is dropped. Other lines that are not metrics (damaged or written by
    someone else) are dropped with a warning that names them.

    Raises:
        OSError: The file cannot be read, or is not an ordinary file.
    """
    try:
        with open_ordinary(path) as file:
            *lines, cut_off = file.read().decode("utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return []
    found = [_row(line) for line in lines]
    foreign = [str(number) for number, row in enumerate(found, 1) if row is None]
    if foreign:
        named = ", ".join(foreign[:5]) + (", ..." if len(foreign) > 5 else "")
        warnings.warn(f"{path}: left out lines that are not metrics: {named}", stacklevel=3)
    return [row for row in (*found, _row(cut_off)) if row is not None]


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = parse_json(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not _is_count(row.get("step")) or not _is_count(row.get("rollback", 0)):
        return None
    may_be = (_NUMBER,) if _KINDS[0].keys() & row.keys() else (_TEXT, _MAYBE)
    if not all(any(_fits(value, what) for what in may_be) for value in row.values()):
        return None
    kinds = [kind for kind in _KINDS if kind.keys() & row.keys()]
    complete = all(name in row and _fits(row[name], what) for kind in kinds for name, what in kind.items())
    return row if len(kinds) == 1 and complete else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _fits(value: object, what: str) -> bool:
    if what == _TEXT:
        return isinstance(value, str)
    if value is None:
        return what == _MAYBE
    if isinstance(value, int):  # a larger one is no float
        return not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, float) and math.isfinite(value)
