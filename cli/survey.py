"""The output of `dropgan data` and `--dry-run`."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .busy import noting_busy
from .output import result_json, result_row
from .terminal import terminal

if TYPE_CHECKING:
    from dropgan.train import DataOptions
    from dropgan.train.recipes.auto import ClassCount
    from dropgan.train.run.survey import Survey

_COLUMN = 11
_CLASSES = 20  # that are listed; of more the largest, and the smallest
_ENDS = 8
_TESTED = 128  # pixels of a side, see docs/data.md


def look(
    source: str,
    *,
    data_dir: Path | None,
    data_options: "DataOptions",
    recipe: str,
    changes: Mapping[str, Any],
    device: str,
    precision: str,
    threads: int | None,
    out: Path | None = None,
    propose: bool = False,
    minutes: float | None = None,
    json: bool,
    quiet: bool,
) -> None:
    """Survey the data and print the result; with ``out`` also draw a contact sheet there."""
    from dropgan.serve.outputs import require_writable
    from dropgan.train.recipes import asked_recipe
    from dropgan.train.run.plan import Wanted
    from dropgan.train.run.source import DataSource
    from dropgan.train.run.survey import survey

    asked = asked_recipe(recipe, settings=changes)
    if out is not None:
        require_writable(out)
    with terminal(quiet=quiet) as reporter:
        found = survey(
            DataSource(source, None, data_dir, data_options),
            asked,
            Wanted(device, precision, threads),
            propose=propose,
            reporter=noting_busy(reporter),
        )
        if out is not None:
            _draw(found, out)
    if json:
        result_json({**found.as_dict(), "sheet": str(out) if out else None})
        return
    words = ["dropgan", "run", "--data", source, *given(data_options, found.size)]
    words += ["--data-dir", str(data_dir)] if data_dir else []
    words += ["--recipe", recipe] if recipe != "auto" else []
    words += [word for key, value in changes.items() for word in _change(key, value)]
    _show(found, shlex.join(words), minutes=minutes, out=out)


def _draw(found: "Survey", out: Path) -> None:
    from dropgan.serve.atomic import write_bytes
    from dropgan.train import DataError, ImageData
    from dropgan.train.monitor.sheet import contact_sheet

    if not isinstance(found.data, ImageData):
        raise DataError(f"{found.data.name} holds {found.data.kind}: a contact sheet shows pictures")
    title = f"{found.data.name}: {found.seen.described}"
    write_bytes(out, contact_sheet(found.data, found.classes, title))


def given(reading: "DataOptions", proposed: int = 0) -> list[str]:
    """Return the options that accompany --data.

    Args:
        reading: How the data are read.
        proposed: Proposed size of pictures if the user gave none, or 0.
    """
    size = reading.size or proposed
    values = (("--size", str(size) if size else ""), ("--label-column", reading.label_column),
              ("--separator", reading.separator), ("--decimal", reading.decimal),
              ("--limit", str(reading.limit) if reading.limit else ""))  # fmt: skip
    words = [word for name, value in values if value for word in (name, value)]
    words += ["--strict"] * reading.strict
    words += {"auto": [], "grey": ["--grey"], "colour": ["--colour"]}[reading.colour]
    return words + {"": [], "yes": ["--header"], "no": ["--no-header"]}[reading.header]


def _change(key: str, value: object) -> tuple[str, ...]:
    """Return the option that changes a setting."""
    if key == "conditional" and isinstance(value, bool):
        return ("--conditional" if value else "--no-conditional",)
    return "--set", f"{key}={value}"


def _show(found: "Survey", command: str, *, minutes: float | None, out: Path | None) -> None:
    def row(name: str, text: str) -> None:
        result_row(f"{name:<{_COLUMN}}", text)

    row("data", f"{found.data.name}: {found.seen.described}")
    for name, text in found.told():
        row(name, text)
    for place, text in enumerate(_classes(found.classes)):
        row("" if place else "classes", text)
    for place, text in enumerate(found.remarks):
        row("" if place else "notes", text.removeprefix(f"{found.data.name}: "))
    if found.size:
        row(
            "size", f"pictures of several sizes, or too large ones, need --size: {found.size} is assumed here"
        )
    elif max(found.data.shape) > _TESTED and found.data.kind == "images":
        row("size", f"a side of more than {_TESTED} pixels takes long to train: --size 64 makes them smaller")
    row("recipe", found.why.removeprefix("recipe ") or f"{found.recipe.name}, as asked")
    row("time", _time(found, minutes))
    if out is not None:
        row("sheet", str(out))
    row("next", f"{command} -o {_directory(found.data.name)}")


def _classes(classes: "tuple[ClassCount, ...]") -> list[str]:
    """Return each class with its count; of many classes only the largest and the smallest."""
    if not classes:
        return []
    if len(classes) <= _CLASSES:
        if len({one.count for one in classes}) == 1:
            names = ", ".join(one.name for one in classes)
            return [f"{len(classes)} of {classes[0].count:,} each: {names}"]
        return [f"{len(classes)}: {_counted(classes)}"]
    ordered = sorted(classes, key=lambda one: -one.count)
    return [
        f"{len(classes):,}, the largest {_counted(ordered[:_ENDS])}",
        f"the smallest {_counted(ordered[: -_ENDS - 1 : -1])}",
    ]


def _counted(classes: "Sequence[ClassCount]") -> str:
    return ", ".join(f"{one.name} ({one.count:,})" for one in classes)


def _time(found: "Survey", minutes: float | None) -> str:
    plan, steps = found.plan, found.recipe.training.steps
    threads = f", {plan.threads} thread{'s' * (plan.threads > 1)}" if plan.device.type == "cpu" else ""
    rate = f"{found.seconds:,.3g} seconds for 1,000 steps here ({plan.device}, {plan.precision}{threads})"
    if minutes is not None:
        return (
            f"{rate}: about {round(60 * minutes / found.seconds * 1000):,} steps fit into {minutes:g} minutes"
        )
    return f"{rate}: about {_words(found.seconds * steps / 1000)} for the {steps:,} of the recipe"


def _words(seconds: float) -> str:
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.2g} {unit}" if seconds < 10 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.2g} seconds" if seconds < 10 else f"{seconds:.0f} seconds"


def _directory(name: str) -> str:
    plain = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name).strip("-")
    return f"{plain[:40] or 'data'}-gan"
