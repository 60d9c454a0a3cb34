"""dropgan data"""

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .survey import look
from .training import changes_from, data_options


def data(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="The data, as for --data.",
            autocompletion=options.data_sets,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="SHEET.png",
            callback=options.output,
            help="Draw a contact sheet: pictures in a grid, classes in rows with their names.",
            show_default=False,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    data_dir: options.DataDir = None,
    size: options.Size = None,
    colour: options.Colour = None,
    strict: options.Strict = False,
    label_column: options.LabelColumn = None,
    header: options.Header = None,
    separator: options.Separator = None,
    decimal: options.Decimal = None,
    limit: options.Limit = None,
    recipe: options.RecipeName = "auto",
    conditional: options.Conditional = None,
    settings: options.Settings = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Report what your data are and how they would be trained on: sizes, classes, the recipe, the time."""
    if out is not None and out.suffix.lower() != ".png":
        raise typer.BadParameter(f"a contact sheet is a .png file, not {out}")
    look(
        source,
        data_dir=data_dir,
        data_options=data_options(size, colour, strict, label_column, header, separator, decimal, limit),
        recipe=recipe,
        changes=changes_from(settings, conditional=conditional),
        device=device,
        precision=precision,
        threads=threads,
        out=out,
        propose=True,
        json=json,
        quiet=quiet,
    )
