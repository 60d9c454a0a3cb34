"""dropgan run"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .busy import noting_busy
from .output import result, result_json
from .survey import look
from .terminal import terminal
from .training import changes_from, data_options, was_said

if TYPE_CHECKING:
    from dropgan.pipeline import Finished


def run(
    context: typer.Context,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Directory for the run, the model, the samples and the report.",
            callback=options.output,
            rich_help_panel=options.OUTPUT,
        ),
    ],
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
    count: Annotated[
        int,
        typer.Option(
            "--count", "-n", min=1, max=4096, help="Samples in samples.png.", rich_help_panel=options.OUTPUT
        ),
    ] = 100,
    score_samples: Annotated[
        int,
        typer.Option(
            "--score-samples",
            min=10,
            help="Number of generated samples to score.",
            rich_help_panel=options.OUTPUT,
            max=1_000_000,
        ),
    ] = 10_000,
    dry_run: options.DryRun = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train, export, evaluate and sample in one go. If it stops, run the same command again to continue."""
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
    if dry_run:
        if like is not None:
            raise typer.BadParameter("--like repeats a run as it was: leave out --dry-run")
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
    from dropgan.pipeline import run as run_pipeline

    with terminal(quiet=quiet) as reporter:
        finished = run_pipeline(
            out,
            recipe,
            data=data if was_said(context, "data") else None,
            settings=changes,
            data_dir=data_dir,
            data_options=reading,
            device=device,
            precision=precision,
            threads=threads,
            retune=retune,
            init_from=init_from,
            like=like,
            minutes=minutes,
            tensorboard=tensorboard,
            count=count,
            score_samples=score_samples,
            reporter=noting_busy(reporter),
        )
    if json:
        result_json(
            {
                "run": str(out),
                "model": str(finished.model),
                "samples": str(finished.samples),
                "card": dataclasses.asdict(finished.card),
            }
        )
    else:
        _show(out, finished)


def _show(out: Path, finished: "Finished") -> None:
    """Print the lines that say where everything is and how good it is."""
    from dropgan.serve.write import shown_as

    card, evaluation = finished.card, finished.evaluation
    parity = card.export.parity
    result(
        f"model      {finished.model}, free of dropout,"
        f" within {parity.max_difference:g} of PyTorch on {parity.samples:,} samples"
    )
    first = evaluation.scores[0]
    floor = f"; {evaluation.floor} have {evaluation.held_out_scores[0].value:.2g}" if evaluation.floor else ""
    against = f"against {first.reference} ({evaluation.better} is better{floor})"
    result(f"score      {first.name} {first.value:.2f} {against}")
    result(f"features   {evaluation.features}")
    result(f"verdict    {evaluation.verdict}")
    if finished.report is not None:
        result(f"report     {finished.report}")
    result(f"samples    {finished.samples}, and pictures from training in {out / 'samples'}")
    result(f"next       dropgan sample {finished.model} -n 1000 -o more{shown_as(card).more}")
