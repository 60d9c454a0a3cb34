"""dropgan evaluate"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from . import options
from .output import result, result_json
from .terminal import terminal
from .training import data_options

if TYPE_CHECKING:
    from dropgan.evaluate import Evaluation, GraphEvaluation, VectorEvaluation
    from dropgan.serve.card import ScoreCard
    from dropgan.train import DataOptions

_SHOWN_COLUMNS = 8


def evaluate(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL_OR_RUN",
            help="A model file, written by dropgan export, or a run directory.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="Real data to compare with, as for train.  [default: the model's training data]",
            rich_help_panel=options.DATA,
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
    held_out: Annotated[
        str | None,
        typer.Option(
            "--held-out",
            metavar="DATA",
            help="Data that the model never saw, to detect copying and overfitting; or none.  [default:"
            " Fashion-MNIST's test images, if installed]",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            "--samples",
            "-n",
            min=10,
            help="Number of generated samples.",
            rich_help_panel=options.SCORES,
            max=1_000_000,
        ),
    ] = 10_000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of the samples.", rich_help_panel=options.SCORES)
    ] = 1,
    features: Annotated[
        str,
        typer.Option(
            "--features",
            metavar="NAME|FILE",
            help="Feature network: domain, inception, or a file made by --fit-features.  [default: one that"
            " knows the data, or one fitted to them]",
            show_default=False,
            rich_help_panel=options.SCORES,
        ),
    ] = "auto",
    inception_weights: Annotated[
        Path | None,
        typer.Option(
            "--inception-weights",
            metavar="FILE",
            help="File with Inception's weights.  [default: downloaded]",
            rich_help_panel=options.SCORES,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Also write an HTML report with pictures.",
            callback=options.output,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    fit_features: Annotated[
        Path | None,
        typer.Option(
            "--fit-features",
            metavar="FILE",
            help="Train a feature network on --data and write it to FILE, instead of evaluating.",
            callback=options.output,
            rich_help_panel=options.FEATURES,
        ),
    ] = None,
    task: Annotated[
        Literal["labels", "rotation"],
        typer.Option(
            "--task",
            help="With --fit-features: what the network learns; rotation is for data without labels.",
            rich_help_panel=options.FEATURES,
        ),
    ] = "labels",
    epochs: Annotated[
        int,
        typer.Option(
            "--epochs",
            min=1,
            help="With --fit-features: passes over the data.",
            rich_help_panel=options.FEATURES,
            max=1000,
        ),
    ] = 10,
    flip: Annotated[
        bool,
        typer.Option(
            "--flip/--no-flip",
            help="With --fit-features: whether a mirrored image is of the same class.",
            rich_help_panel=options.FEATURES,
        ),
    ] = True,
    device: options.Device = "auto",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a model file as it ships, look for copies of training images, and write a report."""
    from dropgan.serve.outputs import require_writable

    for wanted in (report, fit_features):
        if wanted is not None:
            require_writable(wanted)
    if fit_features is not None:
        if model is not None or report is not None:
            raise typer.BadParameter("--fit-features does not evaluate: leave out MODEL_OR_RUN and --report")
        reading = data_options(size, colour, strict, label_column, header, separator, decimal, limit)
        _fit(fit_features, data, data_dir, reading, held_out, task, epochs, flip, json=json, quiet=quiet)
        return
    if model is None:
        raise typer.BadParameter("MODEL_OR_RUN is missing: name a model file or a run directory")
    from dropgan.evaluate import GraphEvaluation, VectorEvaluation, load_features
    from dropgan.evaluate import evaluate as evaluate_model

    with terminal(quiet=quiet) as reporter:
        evaluation = evaluate_model(
            model,
            data,
            held_out=_held_out(held_out),
            samples=samples,
            seed=seed,
            features=load_features(features, inception_weights=inception_weights, device=device)
            if inception_weights
            else features,
            device=device,
            data_dir=data_dir,
            data_options=data_options(size, colour, strict, label_column, header, separator, decimal, limit),
            report=report,
            reporter=reporter,
        )
    if json:
        result_json(evaluation.as_json() | {"report": str(report) if report else None})
        return
    show(evaluation)
    if isinstance(evaluation, VectorEvaluation):
        show_columns(evaluation)
    elif isinstance(evaluation, GraphEvaluation):
        show_baselines(evaluation)
    if report is not None:
        result(f"report      {report}")


def _held_out(given: str | None) -> str | None:
    """Convert to the library's values: ``auto`` if the option was not given, None for ``none``."""
    return "auto" if given is None else None if given == "none" else given


def _spread(score: "ScoreCard") -> str:
    return f" ± {score.spread:.2g}" if score.spread_of else ""


def show_columns(evaluation: "VectorEvaluation") -> None:
    """Print the columns that differ most."""
    worst = sorted(evaluation.columns, key=lambda column: -column.ks)[:_SHOWN_COLUMNS]
    for column in worst:
        result(
            f"column      {column.name}: Wasserstein {column.wasserstein:.3f} standard deviations,"
            f" Kolmogorov-Smirnov {column.ks:.3f}"
        )


def show_baselines(evaluation: "GraphEvaluation") -> None:
    """Print the scores of models without a network, and the most frequent mistakes."""
    for name, scores in evaluation.baselines.items():
        told = ", ".join(f"{metric} {value:.3f}" for metric, value in scores.items())
        result(f"beside      {name}: {told}")
    for why, share in evaluation.mistakes.items():
        result(f"mistake     {why}: {share:.1%} of the samples")
    for name, apart in evaluation.properties.items():
        result(f"property    {name}: {apart:.3f} standard deviations off")


def show(evaluation: "Evaluation | GraphEvaluation | VectorEvaluation") -> None:
    """Print an evaluation: the verdict, the findings, the scores."""
    result(f"verdict     {evaluation.verdict}")
    for finding in evaluation.findings:
        result(f"{finding.level:<12}{finding.text}")
    held_out = {score.name: score.value for score in evaluation.held_out_scores}
    if evaluation.features:
        result(f"features    {evaluation.features}")
    if through := getattr(evaluation, "trained_through", ""):
        result(f"trained     through {through}, in which nothing is scored")
    for score in evaluation.scores:
        real = f"; {evaluation.floor} {held_out[score.name]:.3f}" if score.name in held_out else ""
        result(
            f"score       {score.name} {score.value:.3f}{_spread(score)} ({score.samples:,} samples"
            f" against {score.reference}{real})"
        )
    for score in getattr(evaluation, "train_mode_scores", ()):
        result(
            f"score       {score.name} {score.value:.3f} ± {score.spread:.2g} in train mode (dropout active)"
        )
    for name, reason in evaluation.left_out.items():
        result(f"left out    {name}: {reason}")


def _fit(
    path: Path,
    data: str | None,
    data_dir: Path | None,
    reading: "DataOptions",
    held_out: str | None,
    task: str,
    epochs: int,
    flip: bool,
    *,
    json: bool,
    quiet: bool,
) -> None:
    from dropgan.evaluate import fit_features, save_domain
    from dropgan.evaluate.real import held_out_images, real_images
    from dropgan.train.run.source import DataSource

    if data is None:
        raise typer.BadParameter("--data is missing: name the images to train on with --data D")
    with terminal(quiet=quiet) as reporter:
        source = DataSource(data, data_dir=data_dir, options=reading)
        images = real_images(source, reporter)
        unseen = held_out_images(_held_out(held_out), images, source, reporter)
        network = fit_features(
            images, task=task, held_out=unseen, epochs=epochs, flip=flip, reporter=reporter
        )
    save_domain(path, network)
    where = unseen.name if unseen is not None else f"{images.name} itself"
    if json:
        result_json(
            {"features": str(path), "task": task, "accuracy": network.facts.accuracy, "measured_on": where}
        )
        return
    size, found = path.stat().st_size / 1e3, network.facts.accuracy
    result(f"features    {path} ({size:.0f} kB), accuracy {found:.3f} on {where}")
    result(f"next        dropgan evaluate MODEL_OR_RUN --features {path} --data {data}")
