"""dropgan sample"""

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .output import ProgressBar, result, result_json

_FORMATS = ("npy", "png", "grid")


def sample(
    model: options.Model,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            help="NAME.npy for one array, NAME.png for one grid picture, a directory for a PNG a sample.",
        ),
    ],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many samples.")] = 64,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which stream of samples.")] = 0,
    start: Annotated[int, typer.Option("--start", min=0, help="Index of the first sample.")] = 0,
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="npy|png|grid", help="Said outright instead of by OUT's name."),
    ] = None,
    device: options.Device = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads.  [default: one a core]")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make samples from a model file: sample I of seed S is the same whenever and wherever it is made."""
    from ..serve import Generator
    from ..serve.write import write_grid, write_npy, write_png_folder

    chosen = format_ or {".npy": "npy", ".png": "grid"}.get(out.suffix, "png")
    if chosen not in _FORMATS:
        raise typer.BadParameter(f"--format must be npy, png or grid, not {format_}")
    write = {"npy": write_npy, "png": write_png_folder, "grid": write_grid}[chosen]
    generator = Generator(model, device=device, threads=threads)
    with ProgressBar("sampling", count, "samples", quiet=quiet) as bar:
        write(generator, out, count, seed=seed, start=start, progress=bar.update)
    if json:
        result_json(
            {
                "out": str(out),
                "format": chosen,
                "count": count,
                "seed": seed,
                "start": start,
                "provider": generator.provider,
            }
        )
    else:
        result(f"{out}")
