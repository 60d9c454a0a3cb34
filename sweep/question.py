"""The question of a sweep: its sweep.json, by which processes know that they work on the same sweep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from dropgan.serve.atomic import write_text
from dropgan.serve.ordinary import read_text
from dropgan.serve.parsing import json_text
from dropgan.train import DataOptions, Recipe, RunError
from dropgan.train.data import options_differences
from dropgan.train.recipes import parse_recipe, recipe_differences

from .axes import Axis, Range, shown_axis

_FILE = "sweep.json"


@dataclass(frozen=True)
class Question:
    """The question of a sweep, and its device, precision and threads."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    data: str
    """As a run records it."""
    data_dir: str
    data_options: DataOptions
    fingerprint: str
    """Fingerprint of the data; of all of them if their number is an axis."""
    held_out: str
    """What trials are scored against; empty for what they are trained on."""
    recipe: dict[str, Any]
    """The whole recipe of the first combination."""
    axes: dict[str, tuple[Any, ...] | Range]
    """Values, or a range of a search, by the key of the setting."""
    seeds: tuple[int, ...]
    device: str
    """``cpu`` or ``cuda``, the same for all trials, as precision and threads are."""
    precision: str
    threads: int
    search: str = ""
    """How values are chosen: empty for a grid of all, ``tpe`` or ``tpe, pruned`` for a search."""

    def first_recipe(self, path: Path) -> Recipe:
        """Return the recipe of the first combination. ``path`` is the sweep's, for messages."""
        return parse_recipe(self.recipe, str(path / _FILE))

    def differences(self, other: "Question", path: Path) -> list[str]:
        """Return each difference from another question, as ``key was A, now B``."""
        found = [
            f"{name} was {getattr(self, name) or 'none'}, now {getattr(other, name) or 'none'}"
            for name in ("data", "data_dir", "held_out", "device", "precision", "threads", "search")
            if getattr(self, name) != getattr(other, name)
        ]
        found += options_differences(self.data_options, other.data_options)
        if not found and self.fingerprint != other.fingerprint:
            found.append(f"the data were {self.fingerprint[:19]}, now {other.fingerprint[:19]}")
        axes = _axes_differences(self.axes, other.axes)
        if axes:  # which the first recipes would only repeat
            return found + axes
        found += recipe_differences(self.first_recipe(path), other.first_recipe(path))
        if self.seeds != other.seeds and not any(text.startswith("training.seed ") for text in found):
            found.append(f"seeds were {len(self.seeds)}, now {len(other.seeds)}")
        return found


_QUESTIONS = TypeAdapter(Question)


def read_question(path: Path) -> Question | None:
    """Return the question of the sweep in a directory, or None if there is none.

    Raises:
        RunError: It is damaged.
    """
    try:
        return _QUESTIONS.validate_json(read_text(path / _FILE))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise RunError(f"{path / _FILE} is damaged, or of another version of dropgan") from error


def write_question(path: Path, question: Question) -> None:
    """Write the question, which starts the sweep.

    Raises:
        OutputError: It cannot be written.
    """
    write_text(path / _FILE, json_text(asdict(question), indent=1) + "\n")


def _axes_differences(before: Mapping[str, Axis], after: Mapping[str, Axis]) -> list[str]:
    keys = [*before, *(key for key in after if key not in before)]
    return [
        f"axis {key} was {_listed(before.get(key))}, now {_listed(after.get(key))}"
        for key in keys
        if _listed(before.get(key)) != _listed(after.get(key))
    ]


def _listed(axis: Axis | None) -> str:
    return "none" if axis is None else shown_axis(axis)
