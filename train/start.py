"""Starting and resuming a run: from what the user gave to a loop that trains."""

import importlib.metadata
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .batches import Batches, Standard
from .checkpoint import load_checkpoint
from .data import (
    DEFAULT_DATA,
    DataError,
    DataOptions,
    TrainingData,
    VectorData,
    Watcher,
    label_fingerprint,
    load_data,
    options_differences,
    unchanging_name,
    with_classes,
)
from .loop import Observer, Score, training_loop
from .marginals import marginals_picture
from .networks import SampleSpec, require_fit
from .plan import Plan, choose_device, make_plan
from .recipe import DEFAULT_RECIPE, Recipe, load_recipe, recipe_differences
from .run_directory import RunDirectory, RunError, RunFacts
from .samples import IMAGE_GRID
from .state import TrainingState

Announce = Callable[[Recipe, RunFacts, int], None]
"""Called once before the first step: recipe, facts, and the step training begins at."""


def _silent(*_: Any) -> None:
    pass


def train(
    directory: Path | str,
    recipe: Recipe | str = DEFAULT_RECIPE,
    *,
    data: str = DEFAULT_DATA,
    data_dir: Path | None = None,
    data_options: DataOptions | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    announce: Announce = _silent,
    observer: Observer = _silent,
    score: Score | None = None,
    watch: Watcher | None = None,
) -> RunDirectory:
    """Train a GAN into a new run directory.

    Args:
        directory: The run directory; must not hold anything yet.
        recipe: A recipe, the name of one that comes with dropgan, or a TOML file's path.
        data: What to train on, see `dropgan.train.data.load_data`.
        data_dir: Where the whole Fashion-MNIST lies, if not in a usual place.
        data_options: Size and colour of the images, what to do with broken ones.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` (measured), ``fp32`` or ``bf16``.
        threads: CPU threads; None chooses by measurement.
        announce: Told what was chosen.
        observer: Given each row of metrics.
        score: Scores the averaged generator now and then, for the rows of metrics.
        watch: Told while the data is being read.

    Returns:
        The run directory, its last checkpoint at the recipe's last step.

    Raises:
        DropganError: Of a kind that says what was wrong: RecipeError, DataError, RunError,
            DeviceError, InputError, OutputError, TrainingError, or Interrupted.
    """
    run = RunDirectory(directory)
    run.require_new()
    recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
    options = data_options or DataOptions()
    samples = load_data(data, data_dir, options=options, watch=watch or Watcher())
    if recipe.conditional:
        samples = with_classes(samples, watch)
    spec = _spec(recipe, samples)
    plan = make_plan(recipe, spec, device=device, precision=precision, threads=threads)
    facts = RunFacts(
        data=unchanging_name(data),
        data_dir=str(data_dir.resolve()) if data_dir else "",
        fingerprint=samples.fingerprint,
        device=str(plan.device),
        precision=plan.precision,
        threads=plan.threads,
        data_options=options,
        labels=label_fingerprint(samples) if recipe.conditional else "",
    )
    run.write_recipe(recipe, facts)
    announce(recipe, facts, 0)
    plan.apply()
    state = TrainingState.fresh(recipe, spec, plan.device)
    _run(state, recipe, samples, run, plan, observer, score)
    return run


def resume(
    directory: Path | str,
    *,
    steps: int | None = None,
    announce: Announce = _silent,
    observer: Observer = _silent,
    score: Score | None = None,
    watch: Watcher | None = None,
) -> RunDirectory:
    """Go on with a run from its last checkpoint, or from its beginning if it has none.

    Everything but the number of steps is as it was: recipe, data, device, precision, threads. On
    the CPU the weights at the end equal those of a run that was never stopped, bit for bit.

    Args:
        directory: The run directory.
        steps: Another total number of steps; None keeps it.
        announce: Told what the run goes on with.
        observer: Given each row of metrics.
        score: Scores the averaged generator now and then, for the rows of metrics.
        watch: Told while the data is being read.

    Raises:
        DropganError: As for `train`; DataError also if the data is not what the run began with.
    """
    run = RunDirectory(directory)
    recipe, facts = run.read_recipe()
    if steps is not None:
        recipe = recipe.with_settings({"training.steps": steps})
    samples = facts.load_data(watch)
    if recipe.conditional:
        samples = with_classes(samples, watch)
    changed = facts.labels and label_fingerprint(samples) != facts.labels
    if changed or samples.fingerprint != facts.fingerprint:
        raise DataError(f"{facts.data} has changed since {run.path} began: start a new run")
    plan = Plan(choose_device(facts.device), facts.precision, facts.threads)
    plan.apply()
    state = TrainingState.fresh(recipe, _spec(recipe, samples), plan.device)
    if run.last_checkpoint.exists():
        state.restore(load_checkpoint(run.last_checkpoint))
    if steps is not None:
        run.write_recipe(recipe, facts)
    run.rewind_metrics(state.step)
    announce(recipe, facts, state.step)
    _run(state, recipe, samples, run, plan, observer, score)
    return run


def continue_or_train(directory: Path | str, recipe: Recipe, *, data: str, **options: Any) -> RunDirectory:
    """Train a new run, go on with one of the same recipe and data, or leave it if it is done.

    Args:
        directory: The run directory.
        recipe: The recipe.
        data: What to train on.
        options: The other arguments of `train`; for a run that exists, only the observers count.

    Raises:
        RunError: The directory holds a run of another recipe or data; the differences are named.
        DropganError: As for `train` and `resume`.
    """
    run = RunDirectory(directory)
    if not run.recipe_file.exists():
        return train(directory, recipe, data=data, **options)
    begun, facts = run.read_recipe()
    differences = recipe_differences(begun, recipe)
    if facts.data != unchanging_name(data):
        differences.append(f"data was {facts.data}, now {data}")
    differences += options_differences(facts.data_options, options.get("data_options") or DataOptions())
    if differences:
        raise RunError(
            f"{run.path} already holds a run with other settings ({'; '.join(differences)}): choose another"
            " directory, or give the settings it began with"
        )
    if run.last_checkpoint.exists():
        done = load_checkpoint(run.last_checkpoint).about["step"]
        if done >= recipe.training.steps:
            return run
    watchers = {key: options[key] for key in ("announce", "observer", "score", "watch") if key in options}
    return resume(directory, **watchers)


@dataclass(frozen=True)
class TrainedGenerator:
    """A generator read back from a checkpoint.

    Attributes:
        module: In eval mode, on the CPU, without gradients.
        spec: What its samples are.
        recipe: What it was trained with.
        about: What the checkpoint says of the training: step, data, versions.
    """

    module: nn.Module
    spec: SampleSpec
    recipe: Recipe
    about: dict[str, Any]


@dataclass(frozen=True)
class TrainedNetworks:
    """Both networks read back from a checkpoint.

    Attributes:
        generator: The averaged generator, in eval mode, on the CPU, without gradients.
        discriminator: In eval mode, on the CPU, without gradients.
        spec: What samples are.
        recipe: What they were trained with.
        about: What the checkpoint says of the training: step, data, versions.
    """

    generator: nn.Module
    discriminator: nn.Module
    spec: SampleSpec
    recipe: Recipe
    about: dict[str, Any]


def load_networks(directory: Path | str) -> TrainedNetworks:
    """The averaged generator and the discriminator of a run's last checkpoint.

    Raises:
        RunError: The directory holds no run.
        CheckpointError: It has no checkpoint yet, or a damaged one.
    """
    run = RunDirectory(directory)
    recipe, _ = run.read_recipe()
    checkpoint = load_checkpoint(run.last_checkpoint)
    spec = SampleSpec(_network_shape(checkpoint.about["data"]["shape"]), checkpoint.about["classes"])
    state = TrainingState.fresh(recipe, spec, torch.device("cpu"))
    state.restore(checkpoint)
    discriminator = state.discriminator.requires_grad_(False).eval()
    return TrainedNetworks(state.ema.module, discriminator, spec, recipe, checkpoint.about)


def load_generator(directory: Path | str) -> TrainedGenerator:
    """The averaged generator of a run's last checkpoint.

    Raises:
        RunError: The directory holds no run.
        CheckpointError: It has no checkpoint yet, or a damaged one.
    """
    networks = load_networks(directory)
    return TrainedGenerator(networks.generator, networks.spec, networks.recipe, networks.about)


def _run(
    state: TrainingState,
    recipe: Recipe,
    data: TrainingData,
    run: RunDirectory,
    plan: Plan,
    observer: Observer,
    score: Score | None,
) -> None:
    about: dict[str, Any] = {
        "data": {
            "kind": data.kind,
            "shape": list(data.shape),
            "name": data.name,
            "fingerprint": data.fingerprint,
            "samples": len(data),
            "class_names": list(data.class_names),
        },
        "classes": state.spec.classes,
        "versions": {
            "dropgan": importlib.metadata.version("dropgan"),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    if isinstance(data, VectorData):
        about["data"] |= {
            "columns": list(data.columns),
            "mean": data.mean.tolist(),
            "scale": data.scale.tolist(),
        }
    training_loop(
        state,
        recipe,
        Batches(
            data.samples,
            recipe.training.batch_size,
            recipe.training.seed,
            plan.device,
            data.labels if recipe.conditional else None,
            Standard(data.mean, data.scale) if isinstance(data, VectorData) else None,
        ),
        run,
        device=plan.device,
        precision=plan.precision,
        about=about,
        observer=observer,
        score=score,
        picture=marginals_picture(data) if isinstance(data, VectorData) else IMAGE_GRID,
    )


def _spec(recipe: Recipe, data: TrainingData) -> SampleSpec:
    spec = SampleSpec(_network_shape(data.shape), data.classes if recipe.conditional else 0)
    require_fit(recipe, spec)
    return spec


def _network_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Of a sample as networks have it: images with the channels first, vectors as they are."""
    return (shape[-1], *shape[:-1])
