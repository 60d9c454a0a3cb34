"""How --help looks: plain text, options by what they are about, nothing cut off."""

import inspect
import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

# What stands in a panel comes in this order, whatever the order of the function's parameters.
PANELS = (
    "Arguments",
    "Data",
    "Model",
    "Details of the package",
    "Service",
    "Training",
    "Samples",
    "Scores",
    "Features of your own",
    "Machine",
    "Output",
    "Options",
)

# Names of Python's types, where an option names no value of its own, in a reader's words.
_VALUES = {"int": "N", "float": "X", "str": "TEXT", "path": "PATH"}


class Command(TyperCommand):
    """A command whose options stand under headings, its parameters' ``rich_help_panel``.

    Typer draws such headings with Rich only, and Rich takes words in square brackets, ``[default: ...]``
    and ``[n, height, width]``, for markup and leaves them out.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write every parameter below its heading."""
        _format_panels(self, ctx, formatter)


class Group(TyperGroup):
    """The app itself: options, then every command with its whole first sentence."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the app's own options, then the commands."""
        _format_panels(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands; the base class would cut their sentences off at the line's end."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _first_paragraph(command.help or "")) for name, command in commands if command]
            )


def _format_panels(command: Any, ctx: Any, formatter: Any) -> None:
    panels: dict[str, list[tuple[str, str]]] = {name: [] for name in PANELS}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            names, text = record
            record = (
                re.sub(r"<(int|float|str|path)(?: range)?>", lambda type_: _VALUES[type_[1]], names),
                text,
            )
            argument = parameter.param_type_name == "argument"
            name = "Arguments" if argument else parameter.rich_help_panel or "Options"
            panels.setdefault(name, []).append(record)
    for name, records in panels.items():
        if records:
            with formatter.section(name):
                formatter.write_dl(records)


def _first_paragraph(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split("\n\n")[0].split())
