"""dropgan run"""

import dataclasses
import json as json_module
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .evaluate import held_out_images
from .output import ProgressBar, result, result_json, say
from .training import DataReport, TrainingReport, changes_from, data_options

if TYPE_CHECKING:
    from dropgan.evaluate import Evaluation, VectorEvaluation
    from dropgan.serve.card import Card, ScoreCard


def run(
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="DIR", help="The directory for everything.", callback=options.output
        ),
    ],
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
    init_from: options.InitFrom = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    patience: options.Patience = None,
    minutes: options.Minutes = None,
    tensorboard: options.TensorBoard = False,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=4096, help="Samples in the grid.")] = 100,
    score_samples: Annotated[
        int, typer.Option("--score-samples", min=10, help="Samples that are scored.")
    ] = 10_000,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train, export, evaluate and sample in one go; the same command again goes on where it stopped."""
    from dropgan.evaluate import evaluate, evaluate_vectors, validation_metric
    from dropgan.evaluate.report import write_report
    from dropgan.export import add_scores
    from dropgan.export import export as export_run
    from dropgan.serve import Generator
    from dropgan.serve.atomic import write_text
    from dropgan.serve.write import write_grid, write_table
    from dropgan.train import ImageData, VectorData, change_recipe, continue_or_train, load_data, load_recipe

    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise typer.BadParameter("several processes train with dropgan train; dropgan run is for one")
    changes = changes_from(
        generator_dropout, discriminator_dropout, steps, seed, settings, conditional, patience
    )
    settings_of_run = change_recipe(load_recipe(recipe), changes)
    reading = data_options(size, colour, strict, label_column)
    with DataReport(quiet=quiet) as report_of_data:
        real = load_data(data, data_dir, options=reading, watch=report_of_data.watcher)
    images = real if isinstance(real, ImageData) and real.shape == (28, 28, 1) else None
    with TrainingReport(out, quiet=quiet) as report:
        directory = continue_or_train(
            out,
            settings_of_run,
            data=data,
            data_dir=data_dir,
            data_options=reading,
            device=device,
            precision=precision,
            threads=threads,
            init_from=init_from,
            announce=report.announce,
            observer=report.observe,
            score=validation_metric,
            minutes=minutes,
            tensorboard=tensorboard,
        )
    model, scores_file = out / "model.onnx", out / "scores.json"
    say("exporting and verifying", quiet=quiet)
    card = export_run(directory.path, model)
    generator = Generator(model)
    made = out / ("samples.csv" if isinstance(real, VectorData) else "samples.png")
    with ProgressBar("sampling", count, "samples", quiet=quiet) as bar:
        write = write_table if isinstance(real, VectorData) else write_grid
        write(generator, made, count, seed=card.training.seed, start=0, progress=bar.update)
    scores: tuple[ScoreCard, ...] = ()
    evaluation: Evaluation | VectorEvaluation | None = None
    if isinstance(real, VectorData):
        evaluation = evaluate_vectors(
            generator,
            real,
            samples=score_samples,
            name=out.resolve().name,
            say=lambda message: say(message, quiet=quiet),
        )
        scores = evaluation.scores
        card = add_scores(model, scores)
    elif images is not None:
        evaluation = evaluate(
            generator,
            images,
            samples=score_samples,
            held_out=held_out_images(
                images.name, None, data_dir, reading, generator.sample_shape, quiet=quiet
            ),
            run=out,
            name=out.resolve().name,
            say=lambda message: say(message, quiet=quiet),
        )
        scores = evaluation.scores
        card = add_scores(model, scores)
        write_report(evaluation, out / "report.html")
    else:
        say(
            "not scored: the features that come with dropgan are for 28x28 grey images; train some on your"
            " own data with dropgan evaluate --fit-features",
            quiet=quiet,
        )
    write_text(
        scores_file, json_module.dumps([dataclasses.asdict(score) for score in scores], indent=1) + "\n"
    )

    if json:
        result_json(
            {"run": str(out), "model": str(model), "samples": str(made), "card": dataclasses.asdict(card)}
        )
        return
    _show(out, model, made, card, evaluation)


def _show(
    out: Path,
    model: Path,
    made: Path,
    card: "Card",
    evaluation: "Evaluation | VectorEvaluation | None",
) -> None:
    """The lines that say where everything is and how good it is."""
    parity = card.export.parity
    result(
        f"model      {model}, free of dropout,"
        f" within {parity.max_difference:g} of PyTorch on {parity.samples:,} samples"
    )
    if evaluation is not None:
        distance = evaluation.scores[0]
        value = f"{distance.name} {distance.value:.2f}"
        result(f"score      {value} against {distance.reference} (lower is better)")
        result(f"verdict    {evaluation.verdict}")
        if card.data.kind == "images":
            result(f"report     {out / 'report.html'}")
    result(f"samples    {made}, and the way there in {out / 'samples'}")
    more = "images.npy" if card.data.kind == "images" else "more.csv"
    result(f"next       dropgan sample {model} -n 1000 -o {more}")
