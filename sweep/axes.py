"""The settings that a sweep varies, and the values that it tries."""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict

from dropgan.serve.errors import DropganError
from dropgan.serve.parsing import parse_toml

LIMIT = "data.limit"
"""The one axis that is no setting of a recipe: how many samples to train on."""
SEED = "training.seed"
_OPENING, _CLOSING, _QUOTES = "[{(", "]})", "\"'"

Values = Mapping[str, Any]
"""A value for each axis, by its key."""


class SweepError(DropganError):
    """A sweep cannot be made as requested."""

    exit_code = 2


@dataclass(frozen=True)
class Range:
    """All numbers between two, for a search."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    low: int | float
    high: int | float
    log: bool = False
    """True if factors count and not differences."""

    @property
    def whole(self) -> bool:
        """True if both ends are whole numbers, so that only whole numbers are tried."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Axis = tuple[Any, ...] | Range


def parse_axes(said: Mapping[str, str | Sequence[Any] | Range]) -> dict[str, Axis]:
    """Return the values of each axis, or its range.

    Args:
        said: Values by the dotted key of a setting, or a text of values separated by commas. Commas in
            brackets and quotes belong to a value. Values are parsed as TOML if possible. ``LOW:HIGH`` and
            ``LOW:HIGH:log`` are ranges.

    Raises:
        SweepError: An axis has no values, or another option of the sweep sets it.
    """
    axes: dict[str, Axis] = {}
    for key, values in said.items():
        if key == SEED:
            raise SweepError(f"{SEED} is not an axis: each combination is trained with --seeds N seeds")
        if key.startswith("data.") and key != LIMIT:
            raise SweepError(f"{key} cannot be an axis: of the data, only {LIMIT} can")
        if isinstance(values, Range) or (isinstance(values, str) and _is_range(values)):
            axes[key] = _range(key, values)
            continue
        found = tuple(map(toml_value, _parts(values))) if isinstance(values, str) else tuple(values)
        if not found or "" in found:
            raise SweepError(f"axis {key} needs values, as in {key}=0,0.1: not {_text(values)!r}")
        axes[key] = found
    if not axes:
        raise SweepError(
            "nothing varies: give --generator-dropout or --discriminator-dropout several values, or name a"
            " setting with --axis KEY=A,B"
        )
    return axes


def ends(axis: Axis) -> tuple[Any, ...]:
    """Return the values of an axis, or the two ends of its range."""
    return (axis.low, axis.high) if isinstance(axis, Range) else axis


def shown_axis(axis: Axis) -> str:
    """Return an axis as a user would type it."""
    if not isinstance(axis, Range):
        return ",".join(map(shown, axis))
    return f"{shown(axis.low)}:{shown(axis.high)}" + ":log" * axis.log


def toml_value(text: str) -> Any:
    """Parse a text as a TOML value, or return the text itself."""
    try:
        return parse_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def shown(value: object) -> str:
    """Return a value as a user would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value).replace(" ", "")


def described(values: Values) -> str:
    """Return values as one line: ``generator.dropout=0.1 discriminator.dropout=0.3``."""
    return " ".join(f"{key}={shown(value)}" for key, value in values.items())


def described_all(some: Sequence[Values], axes: Mapping[str, Sequence[Any]]) -> str:
    """Describe several combinations briefly, without the axes of which they cover every value."""
    taken = {key: [value for value in axes[key] if any(one[key] == value for one in some)] for key in axes}
    size = 1
    for values in taken.values():
        size *= len(values)
    if size != len(some):  # not all combinations of some values
        return "; ".join(map(described, some))
    telling = {key: values for key, values in taken.items() if len(values) < len(axes[key])}
    return " ".join(f"{key}={','.join(map(shown, values))}" for key, values in telling.items()) or "all"


def _parts(text: str) -> Iterator[str]:
    """Split a text at commas outside brackets and quotes."""
    depth, quote, part = 0, "", ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in _QUOTES:
            quote = letter
        elif letter in _OPENING:
            depth += 1
        elif letter in _CLOSING:
            depth -= 1
        elif letter == "," and depth <= 0:
            yield part.strip()
            part = ""
            continue
        part += letter
    yield part.strip()


def _is_range(text: str) -> bool:
    parts = text.split(":")
    return len(parts) > 1 and all(_is_number(toml_value(part.strip())) for part in parts[:2])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _range(key: str, said: str | Range) -> Range:
    if isinstance(said, str):
        low, high, *rest = (part.strip() for part in said.split(":"))
        if rest not in ([], ["log"]):
            raise SweepError(f"a range is LOW:HIGH or LOW:HIGH:log, not {key}={said}")
        said = Range(toml_value(low), toml_value(high), bool(rest))
    if not (math.isfinite(said.low) and math.isfinite(said.high) and said.low < said.high):
        raise SweepError(f"the range {key}={shown_axis(said)} must go from a number to a larger one")
    if said.log and said.low <= 0:
        raise SweepError(f"the range {key}={shown_axis(said)} must begin above 0, since it counts in factors")
    return said


def _text(values: str | Sequence[Any]) -> str:
    return values if isinstance(values, str) else ",".join(map(shown, values))
