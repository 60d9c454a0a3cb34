"""dropgan evaluate"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .output import result, result_json, say
from .training import DataReport, data_options

if TYPE_CHECKING:
    from dropgan.evaluate import Evaluation, VectorEvaluation
    from dropgan.serve import Generator
    from dropgan.serve.card import ScoreCard
    from dropgan.train import DataOptions, ImageData
    from dropgan.train.data import VectorData

_SHOWN_COLUMNS = 8
_BUILT_IN_HELD_OUT = "fashion-mnist-test"


def evaluate(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL_OR_RUN",
            help="A file that dropgan export wrote, or a run directory.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="DATA", help="The real images, as for train.  [default: what it was trained on]"
        ),
    ] = None,
    data_dir: options.DataDir = None,
    size: options.Size = None,
    colour: options.Colour = None,
    strict: options.Strict = False,
    label_column: options.LabelColumn = None,
    held_out: Annotated[
        str | None,
        typer.Option(
            "--held-out",
            metavar="DATA",
            help="Images that the model never saw, to tell copying and overfitting; none leaves it out."
            "  [default: Fashion-MNIST's test images where they are installed]",
        ),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", "-n", min=10, help="Generated samples.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which stream of samples.")] = 1,
    features: Annotated[
        str,
        typer.Option(
            "--features", metavar="NAME|FILE", help="domain, inception, or a file that --fit-features wrote."
        ),
    ] = "domain",
    inception_weights: Annotated[
        Path | None,
        typer.Option(
            "--inception-weights", metavar="FILE", help="Instead of a download of Inception's weights."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Also write an HTML report with pictures.",
            callback=options.output,
        ),
    ] = None,
    fit_features: Annotated[
        Path | None,
        typer.Option(
            "--fit-features",
            metavar="FILE",
            help="Instead of evaluating, train a feature network on --data.",
            callback=options.output,
        ),
    ] = None,
    task: Annotated[
        str, typer.Option("--task", help="With --fit-features: labels, or rotation for data without labels.")
    ] = "labels",
    epochs: Annotated[
        int, typer.Option("--epochs", min=1, help="With --fit-features: passes over the data.")
    ] = 10,
    flip: Annotated[
        bool,
        typer.Option("--flip/--no-flip", help="With --fit-features: mirrored images are of the same class."),
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
            raise typer.BadParameter("--fit-features trains a feature network and evaluates nothing")
        reading = data_options(size, colour, strict, label_column)
        _fit(fit_features, data, data_dir, reading, held_out, task, epochs, flip, json=json, quiet=quiet)
        return
    if model is None:
        raise typer.BadParameter("say what to evaluate: a model file or a run directory")
    from dropgan.train.run.plan import choose_device

    place = choose_device(device)

    def told(message: str) -> None:
        say(message, quiet=quiet)

    with tempfile.TemporaryDirectory(prefix="dropgan-") as scratch:
        file, run = _deployed_file(model, Path(scratch), told)
        from dropgan.evaluate import evaluate as evaluate_model
        from dropgan.evaluate import load_features
        from dropgan.serve import Generator
        from dropgan.train import DataOptions, RunDirectory
        from dropgan.train.data import unchanging_name

        generator = Generator(file, device=device)
        facts = RunDirectory(run).read_recipe()[1] if run else None
        source = data or (facts.data if facts else generator.card.data.name)
        reading = data_options(size, colour, strict, label_column)
        if facts and reading == DataOptions() and unchanging_name(source) == facts.data:
            reading = facts.data_options
        if generator.card.data.kind == "vectors":
            if report is not None or features != "domain":
                raise typer.BadParameter("--report and --features are for images, this model makes vectors")
            _vectors(generator, model, source, held_out, reading, samples, seed, told, json=json)
            return
        images = _images(
            source, data_dir, reading, generator.sample_shape, asked=data is not None, quiet=quiet
        )
        evaluation = evaluate_model(
            generator,
            images,
            samples=samples,
            seed=seed,
            features=load_features(features, inception_weights=inception_weights, device=str(place)),
            held_out=held_out_images(
                images.name, held_out, data_dir, reading, generator.sample_shape, quiet=quiet
            ),
            run=run,
            name=model.resolve().name,
            say=told,
        )
    if report is not None:
        told("drawing the report")
        from dropgan.evaluate.report import write_report

        write_report(evaluation, report)
    if json:
        result_json(evaluation.as_json() | {"report": str(report) if report else None})
        return
    show(evaluation)
    if report is not None:
        result(f"report      {report}")


def _spread(score: "ScoreCard") -> str:
    return f" ± {score.spread:.2g}" if score.spread_of else ""


def _vectors(
    generator: "Generator",
    model: Path,
    source: str,
    held_out: str | None,
    reading: "DataOptions",
    samples: int,
    seed: int,
    told: Callable[[str], None],
    *,
    json: bool,
) -> None:
    from dropgan.evaluate import evaluate_vectors

    data = load_vectors(source, reading)
    unseen = load_vectors(held_out, reading) if held_out not in (None, "none") else None
    evaluation = evaluate_vectors(
        generator,
        data,
        samples=samples,
        seed=seed,
        held_out=unseen,
        name=model.resolve().name,
        say=told,
    )
    if json:
        result_json(evaluation.as_json())
    else:
        show(evaluation)
        show_columns(evaluation)


def load_vectors(source: str | None, reading: "DataOptions") -> "VectorData":
    """Rows to compare with.

    Raises:
        DataError: There are none, or they are images.
    """
    from dropgan.train import DataError, load_data
    from dropgan.train.data import VectorData

    data = load_data(source or "", options=reading)
    if not isinstance(data, VectorData):
        raise DataError(f"{data.name} holds images, the model makes vectors: --data D")
    return data


def show_columns(evaluation: "VectorEvaluation") -> None:
    """Print the columns that are furthest off."""
    worst = sorted(evaluation.columns, key=lambda column: -column.ks)[:_SHOWN_COLUMNS]
    for column in worst:
        result(
            f"column      {column.name}: Wasserstein {column.wasserstein:.3f} standard deviations,"
            f" Kolmogorov-Smirnov {column.ks:.3f}"
        )


def show(evaluation: "Evaluation | VectorEvaluation") -> None:
    """Print an evaluation: the verdict, the findings, the scores."""
    result(f"verdict     {evaluation.verdict}")
    for finding in evaluation.findings:
        result(f"{finding.level:<12}{finding.text}")
    held_out = {score.name: score.value for score in evaluation.held_out_scores}
    for score in evaluation.scores:
        real = f"; held-out real images {held_out[score.name]:.3f}" if score.name in held_out else ""
        result(
            f"score       {score.name} {score.value:.3f}{_spread(score)} ({score.samples:,} samples"
            f" against {score.reference}{real})"
        )
    for score in getattr(evaluation, "train_mode_scores", ()):
        result(
            f"score       {score.name} {score.value:.3f} ± {score.spread:.2g} in train mode (dropout acting)"
        )
    for name, reason in evaluation.left_out.items():
        result(f"left out    {name}: {reason}")


def held_out_images(
    data: str,
    held_out: str | None,
    data_dir: Path | None,
    reading: "DataOptions",
    shape: tuple[int, ...],
    *,
    quiet: bool,
) -> "ImageData | None":
    """The held-out images: those asked for, or Fashion-MNIST's test images where they are installed.

    Args:
        data: Name of the data that is compared with.
        held_out: What stood after ``--held-out``; ``none`` for no such images.
        data_dir: Where the whole Fashion-MNIST lies, if not in a usual place.
        reading: How the data that is compared with is read.
        shape: (height, width, channels) that pictures are brought to.
        quiet: Whether nothing is said while pictures are read.

    Raises:
        DataError: What was asked for is not there, or damaged.
    """
    from dropgan.train.data.readers.fashion_mnist import has_fashion_mnist

    if held_out == "none":
        return None
    if held_out is not None:
        folder = data_dir if held_out.startswith("fashion-mnist") else None
        return _read(held_out, folder, reading, shape, quiet=quiet)
    if data in ("fashion-mnist", "fashion-mnist-10k") and has_fashion_mnist(data_dir):
        return _read(_BUILT_IN_HELD_OUT, data_dir, reading, shape, quiet=quiet)
    return None


def _images(
    source: str,
    data_dir: Path | None,
    reading: "DataOptions",
    shape: tuple[int, ...] | None,
    *,
    asked: bool,
    quiet: bool,
) -> "ImageData":
    from dropgan.train import DataError

    # data_dir also serves the held-out images, so that it may stand beside the embedded data
    folder = data_dir if source in ("fashion-mnist", _BUILT_IN_HELD_OUT) else None
    try:
        return _read(source, folder, reading, shape, quiet=quiet)
    except DataError as error:
        if asked:
            raise
        raise DataError(f"the model's training data cannot be found ({error}): say --data D") from error


def _read(
    source: str, data_dir: Path | None, reading: "DataOptions", shape: tuple[int, ...] | None, *, quiet: bool
) -> "ImageData":
    """Read images; pictures, which can have any size, in the shape of the model's samples."""
    from dropgan.train import load_images
    from dropgan.train.data import holds_pictures

    if shape is not None and holds_pictures(source):
        height, width, channels = shape
        reading = reading.fitted_to(height, width, channels)
    with DataReport(quiet=quiet) as report:
        return load_images(source, data_dir, options=reading, watch=report.watcher)


def _deployed_file(model: Path, scratch: Path, told: Callable[[str], None]) -> tuple[Path, Path | None]:
    """The file to score and its run: of a run directory the model.onnx in it, if it is of its best or
    last checkpoint, or else a fresh export."""
    if not model.is_dir():
        return model, None
    from dropgan.export import export as export_run
    from dropgan.serve import Generator, ModelError
    from dropgan.train import load_generator

    file = model / "model.onnx"
    if file.exists():
        trained = [load_generator(model, checkpoint) for checkpoint in ("auto", "last")]
        try:
            card = Generator(file, device="cpu").card
        except ModelError:
            card = None
        if (
            card is not None
            and card.training.steps in [one.about["step"] for one in trained]
            and card.training.seed == trained[0].recipe.training.seed
            and card.data.fingerprint == trained[0].about["data"]["fingerprint"]
            and card.export.output in ("pixels", "vectors")
        ):
            return file, model
    told(f"exporting {model}")
    export_run(model, scratch / "model.onnx")
    return scratch / "model.onnx", model


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

    if data is None:
        raise typer.BadParameter("say which images to train on: --data D")
    images = _images(data, data_dir, reading, None, asked=True, quiet=quiet)
    shape = images.images.shape[1:]
    unseen = held_out_images(images.name, held_out, data_dir, reading, shape, quiet=quiet)
    network = fit_features(
        images,
        task=task,
        held_out=unseen,
        epochs=epochs,
        flip=flip,
        observer=lambda done, total, loss: say(f"epoch {done}/{total}  loss {loss:.4f}", quiet=quiet),
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
