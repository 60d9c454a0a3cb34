"""Evaluate a deployed model, given as a file or a run, against any real data."""

from os import PathLike
from pathlib import Path

from dropgan.serve import Generator
from dropgan.serve.errors import OptionError
from dropgan.serve.outputs import require_writable
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.train import DataOptions, RunDirectory
from dropgan.train.kind import load
from dropgan.train.kinds import training_kind
from dropgan.train.run.plan import choose_device
from dropgan.train.run.source import DataSource

from .asked import Asked
from .deployed import open_deployed
from .features import AUTO, FeatureNetwork, load_features
from .graphs.evaluation import GraphEvaluation
from .images import DEFAULT_SAMPLES, DEFAULT_SEED, Evaluation, require_pixels
from .real import real_data
from .vectors import VectorEvaluation


def evaluate(
    model: str | PathLike[str] | Generator,
    data: object = None,
    *,
    labels: object = None,
    held_out: object = AUTO,
    samples: int = DEFAULT_SAMPLES,
    seed: int = DEFAULT_SEED,
    features: str | FeatureNetwork = AUTO,
    device: str = "auto",
    data_dir: Path | None = None,
    data_options: DataOptions | None = None,
    run: str | PathLike[str] | None = None,
    name: str = "",
    report: str | PathLike[str] | None = None,
    reporter: Reporter = LOGGED,
) -> Evaluation | GraphEvaluation | VectorEvaluation:
    """Score a model's samples, look for copies of training data, and report the findings.

    Args:
        model: A model file, a generator opened from one, or a run directory. For a run, its model.onnx
            is scored if it has the run's best or last weights; otherwise the run is exported again.
        data: The real data to compare with, as for `dropgan.train`. None uses the model's training
            data, unless that was in memory.
        labels: Labels of data in memory, as for `dropgan.train`.
        held_out: Data of the same kind that the model never saw, to detect copying and overfitting.
            ``auto`` uses Fashion-MNIST's test images if the model was trained on the others and
            they are installed. None leaves it out.
        samples: Number of generated samples; fewer bias the Fréchet distance upwards.
        seed: Seed of the samples. Use another than the run's, whose first samples its grids show.
        features: For images: ``auto`` for features that fit the data (`features_for`), ``domain``,
            ``inception``, a file made by `fit_features`, or a network.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        data_dir: Folder of the complete Fashion-MNIST, if it is not in a usual place.
        data_options: How to read the data; the default is how the run read it. Pictures are converted
            to the shape of the model's samples in any case.
        run: The run directory of this model, for tests that need gradients. If ``model`` is a run, it is
            that run.
        name: Name of the model; empty uses the name of its file.
        report: An HTML file to write, with pictures and charts.
        reporter: Receives progress and messages.

    Returns:
        An `Evaluation` for images, a `VectorEvaluation` for vectors, a `GraphEvaluation` for graphs.

    Raises:
        ModelError: The file is not a dropgan model.
        DataError: The data is missing, unsuitable, or of another kind than the model's samples.
        FeatureError: The feature network is not for images of this shape.
        InputError: There are too few generated or real samples, they do not fit each other, or the file
            does not output pixels.
        RunError: ``run`` is not a run.
        CheckpointError: The run has no checkpoint, or a damaged one.
        OptionError: Features or a report were requested that the model's kind of data does not have.
        OutputError: The report cannot be written.
        DropganError: As for `dropgan.export`, if a run is exported.
    """
    place = choose_device(device)
    if isinstance(model, Generator):
        generator, found = model, None
    else:
        generator, found = open_deployed(Path(model), device=device, reporter=reporter)
        name = name or Path(model).resolve().name
    kind = training_kind(generator.card.data.kind)
    if not kind.has_features and features != AUTO:
        raise OptionError(f"feature networks are for images, this model makes {kind.name}")
    if not kind.has_report and report is not None:
        raise OptionError(f"there is no report of {kind.name}")
    if kind.has_features:  # before anything is read: data can be large
        require_pixels(generator)
        if features != AUTO:
            network = features if isinstance(features, FeatureNetwork) else load_features(features)
            network.require_shape(generator.sample_shape)
    if report is not None:
        require_writable(Path(report))
    directory = found if run is None else Path(run)
    facts = None if directory is None else RunDirectory(directory).read_recipe()[1]
    given = DataSource(data, labels, data_dir, data_options or DataOptions())
    real, source = real_data(given, generator, facts, reporter)
    evaluation: Evaluation | GraphEvaluation | VectorEvaluation = load(kind.evaluation)(
        Asked(
            generator,
            real,
            source,
            held_out=held_out,
            samples=samples,
            seed=seed,
            features=features,
            device=str(place),
            run=directory,
            name=name,
            report=report,
            reporter=reporter,
        )
    )
    return evaluation
