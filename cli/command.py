"""The format of --help: plain text, options grouped under headings, nothing cut off."""

import inspect
import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

# Panels are shown in this order, whatever the order of the function's parameters.
PANELS = (
    "Arguments",
    "Data",
    "Model",
    "Sweep",
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

# What to show for Python's types if an option has no metavar.
_VALUES = {"int": "N", "float": "X", "str": "TEXT", "path": "PATH"}

# Click's ranges, such as 1<=x<=64, as a reader would write them.
_RANGES = ((r"\b([\d.]+)<=x<=([\d.]+)", r"\1 to \2"), (r"\bx>=([\d.]+)", r"\1 or more"))


class Command(TyperCommand):
    """A command that shows its options under headings, the parameters' ``rich_help_panel``.

    Typer shows such headings with Rich only. Rich takes words in square brackets, such as
    ``[default: ...]`` and ``[n, height, width]``, for markup and leaves them out.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write every parameter below its heading."""
        _format_panels(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, each on a line of its own."""
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Group(TyperGroup):
    """The app itself: options, then every command with the whole first paragraph of its help."""

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
            for click, words in _RANGES:
                record = record[0], re.sub(click, words, record[1])
            argument = parameter.param_type_name == "argument"
            name = "Arguments" if argument else parameter.rich_help_panel or "Options"
            panels.setdefault(name, []).append(record)
    for name, records in panels.items():
        if records:
            with formatter.section(name):
                formatter.write_dl(records)


def _first_paragraph(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split("\n\n")[0].split())
