"""The two functions that train: a new run, and one that continues."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from dropgan.serve.reporter import LOGGED, Reporter

from ..data import DataOptions
from ..recipes import Recipe, asked_recipe
from .directory import RunDirectory
from .plan import Wanted
from .session import MakeScore, prepare
from .source import DataSource
from .start import begun_run, new_run, repeated_run, require_like_alone


def train(
    directory: str | PathLike[str],
    recipe: Recipe | str = "auto",
    *,
    data: object = None,
    labels: object = None,
    steps: int | None = None,
    seed: int | None = None,
    conditional: bool | None = None,
    settings: Mapping[str, Any] | None = None,
    data_dir: Path | None = None,
    data_options: DataOptions | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    retune: bool = False,
    init_from: str | PathLike[str] | None = None,
    like: str | PathLike[str] | None = None,
    score: MakeScore | None = None,
    minutes: float | None = None,
    tensorboard: bool = False,
    reporter: Reporter = LOGGED,
) -> RunDirectory:
    """Train a GAN into a new run directory.

    Args:
        directory: The run directory, which must not exist or be empty.
        recipe: The name of a recipe that comes with dropgan, a TOML file's path, a recipe, or ``auto``:
            the one that suits the data, which a message names with the reason.
        data: Data to train on: an array, a table, a torch Dataset, or a string that names files, see
            `dropgan.train.data.load_data`. The default is the images that come with dropgan.
        labels: Labels of data in memory, one for each sample.
        steps: Total number of training steps; None takes the recipe's.
        seed: Seed of weights, data order and latents; None takes the recipe's.
        conditional: Learn the data's classes, so that you can ask for samples of a
            class; None takes the recipe's. With ``auto`` it takes the classes of images that have
            enough of them.
        settings: Other settings of the recipe, by dotted key: ``{"generator.dropout": 0.1}``.
        data_dir: Folder of the complete Fashion-MNIST, if it is not in a usual place.
        data_options: Size and colour of the images, and what to do with broken ones.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` (measured), ``fp32``, ``tf32`` (CUDA), ``bf16``, or ``fp16`` with scaled losses.
        threads: CPU threads; None chooses by measurement.
        retune: Measure again even if this machine has measured before.
        init_from: A run directory, a checkpoint or a model.onnx whose weights to start from; None
            starts from random ones.
        like: A run directory whose run to repeat exactly, from its recipe.toml. With it, pass only data in
            memory (or files that were moved), labels, and the arguments below.
        score: Makes a metric from data and recipe, such as `dropgan.evaluate.validation_metric`. It scores
            the averaged generator at each sample grid, in the background. The weights
            with the best score are kept, and `dropgan.export` uses them.
        minutes: Time for training. The number of steps is fitted to it, and adjusted while the rate changes.
            If you set the number of steps (``steps``, or in ``settings``) or use ``like``, training saves
            its state and stops after this time.
        tensorboard: Write logs for TensorBoard to RUN/tensorboard.
        reporter: Receives progress, messages and metrics.

    Returns:
        The run directory. Its last checkpoint is at the recipe's last step, or where training ended. You
        can pass it to `dropgan.export` and `dropgan.evaluate` as a path.

    Raises:
        DropganError: One of its subclasses: RecipeError, DataError, RunError,
            DeviceError, InputError, PretrainedError, OutputError, TrainingError, or Interrupted.
    """
    run = RunDirectory(directory)
    asked = asked_recipe(recipe, steps=steps, seed=seed, conditional=conditional, settings=settings)
    wanted = Wanted(device, precision, threads, retune)
    if like is not None:
        require_like_alone(asked, wanted, data_options, init_from)
    source = DataSource(data, labels, data_dir, data_options or DataOptions())
    with run.locked():
        if like is None:
            start = new_run(run, asked, source.or_default(), wanted, init_from)
        else:
            start = repeated_run(run, RunDirectory(like), source)
        session = prepare(start, score=score, minutes=minutes, tensorboard=tensorboard, reporter=reporter)
        return session.run()


def resume(
    directory: str | PathLike[str],
    *,
    steps: int | None = None,
    settings: Mapping[str, Any] | None = None,
    recipe: Recipe | None = None,
    data: object = None,
    labels: object = None,
    data_options: DataOptions | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    score: MakeScore | None = None,
    minutes: float | None = None,
    tensorboard: bool = False,
    reporter: Reporter = LOGGED,
) -> RunDirectory:
    """Continue a run from its last checkpoint, or from its beginning if it has none.

    Recipe, data, device, precision and threads stay as they were. On a CPU the final weights
    equal those of an uninterrupted run, bit for bit.

    Args:
        directory: The run directory.
        steps: New total number of steps; None keeps the old one.
        settings: Settings to change, by dotted key. Only some can change, see docs/training.md.
        recipe: Refuse to continue if this is not the run's recipe; None accepts any.
        data: Required for a run on data in memory. Otherwise, refuse to continue if the run was trained
            on something else.
        labels: Labels of data in memory, as for `train`.
        data_options: Refuse to continue if the data was read with other options.
        device: Refuse to continue if the run began on another; ``auto`` uses the one it began on. The same
            applies to ``precision`` and ``threads``.
        score: As for `train`.
        minutes: Time from now after which to save and stop; None trains all steps.
        tensorboard: As for `train`.
        reporter: As for `train`.

    Raises:
        ResumeError: Something differs that cannot change; the message has both values.
        DropganError: As for `train`.
    """
    longer = {} if steps is None else {"training.steps": steps}
    run = RunDirectory(directory)
    with run.locked():
        start = begun_run(
            run,
            changes={**(settings or {}), **longer},
            recipe=recipe,
            source=DataSource(data, labels),
            data_options=data_options,
            wanted=Wanted(device, precision, threads),
        )
        session = prepare(start, score=score, minutes=minutes, tensorboard=tensorboard, reporter=reporter)
        return session.run()
