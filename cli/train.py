"""dropgan train"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .busy import noting_busy
from .output import result, result_json, result_text
from .survey import look
from .terminal import terminal
from .training import changes_from, data_options, describe, was_said

if TYPE_CHECKING:
    from dropgan.serve.reporter import Reporter
    from dropgan.train import RunDirectory
    from dropgan.train.run.session import MakeScore

_READING = ("size", "colour", "strict", "label_column", "header", "separator", "decimal", "limit")


def train(
    context: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="RUN",
            help="Run directory to create; with --resume, the one to continue.",
            callback=options.output,
            show_default=False,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    data: options.Data = "fashion-mnist-10k",
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
    generator_dropout: options.GeneratorDropout = None,
    discriminator_dropout: options.DiscriminatorDropout = None,
    conditional: options.Conditional = None,
    steps: options.Steps = None,
    seed: options.TrainingSeed = None,
    settings: options.Settings = None,
    init_from: options.InitFrom = None,
    like: options.Like = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    retune: options.Retune = False,
    patience: options.Patience = None,
    minutes: options.Minutes = None,
    tensorboard: options.TensorBoard = False,
    score: Annotated[
        bool,
        typer.Option(
            "--score/--no-score",
            help="Score the generator during training, and keep the best weights.",
            rich_help_panel=options.TRAINING,
        ),
    ] = True,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the run in -o. --steps, --patience and --set can change the settings that"
            " docs/training.md lists.",
            rich_help_panel=options.TRAINING,
        ),
    ] = False,
    list_recipes: Annotated[
        bool, typer.Option("--list-recipes", help="List the recipes, with a line about each, and stop.")
    ] = False,
    show: Annotated[
        bool,
        typer.Option(
            "--show-recipe",
            help="Print the complete recipe with every setting explained, and stop. Save it to a file to use"
            " it with --recipe.",
        ),
    ] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a GAN with dropout into a run directory."""
    from dropgan.train import (
        load_recipe,
        together,
    )
    from dropgan.train import resume as resume_run
    from dropgan.train import train as train_run
    from dropgan.train.recipes import asked_recipe, recipe_layers, show_recipe
    from dropgan.train.run.seen import settled_recipe
    from dropgan.train.run.source import DataSource

    if list_recipes:
        _list_recipes(json=json)
        return
    changes = changes_from(
        settings,
        generator_dropout=generator_dropout,
        discriminator_dropout=discriminator_dropout,
        conditional=conditional,
        steps=steps,
        seed=seed,
        patience=patience,
    )
    reading = data_options(size, colour, strict, label_column, header, separator, decimal, limit)
    if show:
        with terminal(quiet=quiet) as reporter:
            source = DataSource(data, None, data_dir, reading)
            shown = settled_recipe(asked_recipe(recipe, settings=changes), source, device, reporter)
        result_text(show_recipe(shown, recipe_layers(shown.name if recipe == "auto" else recipe)))
        return
    if dry_run:
        if resume or like is not None:
            raise typer.BadParameter("--dry-run is for a new run: leave out --resume and --like")
        look(
            data,
            data_dir=data_dir,
            data_options=reading,
            recipe=recipe,
            changes=changes,
            device=device,
            precision=precision,
            threads=threads,
            minutes=None if steps else minutes,
            json=json,
            quiet=quiet,
        )
        return
    if out is None:
        raise typer.BadParameter("-o is missing: name the run directory with -o RUN")
    for name, value in (("--init-from", init_from), ("--like", like), ("--retune", retune)):
        if resume and value:
            raise typer.BadParameter(f"{name} is for a new run; leave it out with --resume")
    machine: dict[str, Any] = {"device": device, "precision": precision, "threads": threads}
    with together() as ranks, terminal(quiet=quiet or not ranks.leader) as reporter:
        about: dict[str, Any] = {
            "score": _validation_metric(reporter) if score else None,
            "minutes": minutes,
            "tensorboard": tensorboard,
            "reporter": noting_busy(reporter),
        }
        if resume:
            run = resume_run(
                out,
                settings=changes,
                recipe=None if recipe == "auto" else load_recipe(recipe),
                data=data if was_said(context, "data") else None,
                data_options=reading if was_said(context, *_READING) else None,
                **machine,
                **about,
            )
        else:
            run = train_run(
                out,
                recipe,
                settings=changes,
                data=data if was_said(context, "data") else None,
                data_dir=data_dir,
                data_options=reading,
                **machine,
                retune=retune,
                init_from=init_from,
                like=like,
                **about,
            )
    if ranks.leader:
        _show(run, json=json)


def _list_recipes(*, json: bool) -> None:
    from dropgan.train import recipes_with_descriptions

    described = recipes_with_descriptions()
    if json:
        result_json(described)
        return
    width = max(map(len, described))
    for name, description in described.items():
        result(f"{name:<{width}}  {description}")


def _show(run: "RunDirectory", *, json: bool) -> None:
    """Print where everything is, and the best score."""
    summary = describe(run)
    if json:
        result_json(summary)
        return
    result(f"run        {summary['run']}")
    result(f"samples    {summary['samples']}")
    if summary["best"] is not None:
        best = summary["best"]
        result(
            f"best       {best['score_name']} {best['score']:.2f} at step {best['step']} (lower is better)"
        )
    result(f"next       dropgan export {run.path} -o model.onnx")


def _validation_metric(reporter: "Reporter") -> "MakeScore":
    from dropgan.evaluate import validation_metric

    return partial(validation_metric, reporter=reporter)
