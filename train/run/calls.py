"""The two calls that train: a new run, and one that goes on."""

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
        directory: The run directory; must not hold anything yet.
        recipe: The name of a recipe that comes with dropgan, a TOML file's path, a recipe, or ``auto``:
            the one for the data (`dropgan.train.recipes.auto`), which a remark names with the reason.
        data: What to train on: an array, a table, a torch Dataset, or a text that names files, see
            `dropgan.train.data.load_data`; by default images that come with dropgan.
        labels: Of data in memory that have none of their own: one for each sample.
        steps: Training steps in all; None takes the recipe's.
        seed: Of weights, order and latents; None takes the recipe's.
        conditional: Whether the model learns the data's classes, so that samples can be asked for by
            class; None takes the recipe's. With ``auto`` it takes the classes of images that have
            enough of them.
        settings: Other settings of the recipe, by dotted key: ``{"generator.dropout": 0.1}``.
        data_dir: Where the whole Fashion-MNIST lies, if not in a usual place.
        data_options: Size and colour of the images, what to do with broken ones.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` (measured), ``fp32``, ``tf32`` (CUDA), ``bf16``, or ``fp16`` with scaled losses.
        threads: CPU threads; None chooses by measurement.
        retune: Whether to measure even where this machine has measured before.
        init_from: A run directory, a checkpoint or a model.onnx whose weights to begin from; None
            begins with random ones.
        like: A run directory whose run to repeat exactly, from its recipe.toml. Beside it only data in
            memory (or files that were moved), labels, and what follows are given.
        score: Makes the score from data and recipe; `dropgan.evaluate.validation_metric` does. It sees
            the averaged generator wherever a sample grid is written, beside the training; the weights
            of the best score are kept, and `dropgan.export` takes them.
        minutes: Time for training: the number of steps is fitted to it, and kept fitted while the rate
            changes. Where the number was said (``steps``, or in ``settings``) or is that of ``like``: time
            after which to stop, the state saved.
        tensorboard: Also write RUN/tensorboard.
        reporter: Told of the progress, remarks and metrics.

    Returns:
        The run directory, its last checkpoint at the recipe's last step, or where training ended. It is
        a path too: `dropgan.export` and `dropgan.evaluate` take it.

    Raises:
        DropganError: Of a kind that says what was wrong: RecipeError, DataError, RunError,
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
    """Go on with a run from its last checkpoint, or from its beginning if it has none.

    Recipe, data, device, precision and threads are as they were. On the CPU the weights at the end
    equal those of a run that was never stopped, bit for bit.

    Args:
        directory: The run directory.
        steps: Another total number of steps; None keeps it.
        settings: Settings to change, by dotted key; only those that `may_change`.
        recipe: Refuse to go on if this is not the run's recipe; None takes what is there.
        data: The data again, of a run on data in memory; else refuse to go on if the run was trained
            on something else.
        labels: Beside data in memory, as for `train`.
        data_options: Refuse to go on if the data was read with others.
        device: Refuse to go on if the run began on another; ``auto`` takes what it began on. The same
            of ``precision`` and ``threads``.
        score: As for `train`.
        minutes: Time from now on after which to stop, the state saved; None trains all steps.
        tensorboard: As for `train`.
        reporter: As for `train`.

    Raises:
        ResumeError: Something is not as it was, and may not change; both values are named.
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
