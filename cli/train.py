"""dropgan train"""

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .output import result, result_json
from .training import TrainingReport, changes_from, data_options, describe


def train(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="RUN", help="The run directory to make.", show_default=False),
    ] = None,
    data: options.Data = "fashion-mnist-10k",
    data_dir: options.DataDir = None,
    size: options.Size = None,
    colour: options.Colour = None,
    strict: options.Strict = False,
    label_column: options.LabelColumn = None,
    recipe: options.RecipeName = "mlp",
    generator_dropout: options.GeneratorDropout = None,
    discriminator_dropout: options.DiscriminatorDropout = None,
    conditional: options.Conditional = None,
    steps: options.Steps = None,
    seed: options.TrainingSeed = None,
    settings: options.Settings = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the run in -o; of the other options only --steps may change it."
        ),
    ] = False,
    list_recipes: Annotated[
        bool, typer.Option("--list-recipes", help="Say a line about each recipe and stop.")
    ] = False,
    show: Annotated[
        bool,
        typer.Option(
            "--show-recipe",
            help="Print the recipe with its options applied, every setting explained, and stop; saved to a"
            " file it can be given to --recipe.",
        ),
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a GAN with dropout into a run directory."""
    from ..train import load_recipe, recipe_layers, recipes_with_descriptions, show_recipe
    from ..train import resume as resume_run
    from ..train import train as train_run

    if list_recipes:
        described = recipes_with_descriptions()
        if json:
            result_json(described)
        else:
            width = max(map(len, described))
            for name, description in described.items():
                result(f"{name:<{width}}  {description}")
        return
    changes = changes_from(generator_dropout, discriminator_dropout, steps, seed, settings, conditional)
    if show:
        result(show_recipe(load_recipe(recipe).with_settings(changes), recipe_layers(recipe)).rstrip())
        return
    if out is None:
        raise typer.BadParameter("say where the run goes: -o RUN")
    with TrainingReport(out, quiet=quiet) as report:
        if resume:
            fixed = (data, data_dir, size, colour, strict, label_column, recipe, device, precision, threads)
            unset = ("fashion-mnist-10k", None, None, None, False, None, "mlp", "auto", "auto", None)
            if fixed != unset or set(changes) - {"training.steps"}:
                raise typer.BadParameter(
                    "a resumed run keeps its settings; beside --resume only --steps may stand"
                )
            run = resume_run(
                out, steps=steps, announce=report.announce, observer=report.observe, watch=report.watcher
            )
        else:
            run = train_run(
                out,
                load_recipe(recipe).with_settings(changes),
                data=data,
                data_dir=data_dir,
                data_options=data_options(size, colour, strict, label_column),
                device=device,
                precision=precision,
                threads=threads,
                announce=report.announce,
                observer=report.observe,
                watch=report.watcher,
            )
    summary = describe(run)
    if json:
        result_json(summary)
        return
    result(f"run        {summary['run']}")
    result(f"samples    {summary['samples']}")
    result(f"next       dropgan export {run.path} -o model.onnx")
