"""Starting and resuming a run: from what the user gave to a loop that trains."""

import importlib.metadata
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from ..data import (
    DEFAULT_DATA,
    DataOptions,
    TrainingData,
    VectorData,
    Watcher,
    class_counts,
    label_fingerprint,
    load_data,
    options_differences,
    unchanging_name,
    with_classes,
)
from ..data.batches import Batches, Standard
from ..distributed.data_parallel import train_in_parallel
from ..distributed.ranks import Ranks, current_ranks
from ..monitor import Ending, Observer, Score, TensorBoardLog
from ..monitor.histograms import histogram_picture
from ..monitor.samples import image_grid
from ..networks import SampleSpec, require_fit
from ..networks.freezing import require_learned
from ..networks.spec import network_shape
from ..recipes import DEFAULT_RECIPE, Recipe, load_recipe, recipe_differences
from ..steps.state import TrainingState
from .changes import ResumeError, changed_recipe, refuse
from .checkpoint import load_checkpoint
from .directory import InitFacts, RunDirectory, RunError, RunFacts
from .loop import training_loop
from .plan import Plan, choose_device, make_plan
from .pretrained import Pretrained, begin_from, load_pretrained, pretrained_file
from .trained import resumable_checkpoint

Announce = Callable[[Recipe, RunFacts, int], None]
"""Called once before the first step: recipe, facts, and the step training begins at."""

MakeScore = Callable[[TrainingData, Recipe], Score | None]
"""Makes the score of a run, or None where its data cannot be scored."""


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
    init_from: Path | str | None = None,
    announce: Announce = _silent,
    observer: Observer = _silent,
    score: MakeScore | None = None,
    watch: Watcher | None = None,
    minutes: float | None = None,
    tensorboard: bool = False,
) -> RunDirectory:
    """Train a GAN into a new run directory.

    Args:
        directory: The run directory; must not hold anything yet.
        recipe: A recipe, the name of one that comes with dropgan, or a TOML file's path.
        data: What to train on, see `dropgan.train.data.load_data`.
        data_dir: Where the whole Fashion-MNIST lies, if not in a usual place.
        data_options: Size and colour of the images, what to do with broken ones.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` (measured), ``fp32``, ``tf32`` (CUDA), ``bf16``, or ``fp16`` with scaled losses.
        threads: CPU threads; None chooses by measurement.
        init_from: A run directory, a checkpoint or a model.onnx whose weights to begin from; None
            begins with random ones.
        announce: Told what was chosen.
        observer: Given each row of metrics.
        score: Makes the score from data and recipe. It sees the averaged generator wherever a sample
            grid is written, beside the training; the weights of the best score are kept.
        watch: Told while the data is being read.
        minutes: Time after which to stop, the state saved; None trains all steps.
        tensorboard: Also write RUN/tensorboard.

    Returns:
        The run directory, its last checkpoint at the recipe's last step, or where training ended.

    Raises:
        DropganError: Of a kind that says what was wrong: RecipeError, DataError, RunError,
            DeviceError, InputError, PretrainedError, OutputError, TrainingError, or Interrupted.
    """
    run = RunDirectory(directory)
    run.require_new()
    observer = _with_tensorboard(observer, run, tensorboard)
    recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
    pretrained = None if init_from is None else load_pretrained(init_from)
    options = data_options or DataOptions()
    ranks = current_ranks()
    samples = ranks.read(lambda: load_data(data, data_dir, options=options, watch=watch or Watcher()))
    if ranks.count > 1:
        ranks.require_same(samples.fingerprint, "the training data")
    if recipe.conditional:
        samples = with_classes(samples, watch)
    spec = _spec(recipe, samples)
    plan = make_plan(recipe, spec, device=device, precision=precision, threads=threads)
    plan.apply()
    state, init = _first_state(recipe, spec, plan, pretrained)
    train_in_parallel(state, recipe, plan.device, ranks)
    facts = RunFacts(
        data=unchanging_name(data),
        data_dir=str(data_dir.resolve()) if data_dir else "",
        fingerprint=samples.fingerprint,
        device=_recorded(plan.device, ranks),
        precision=plan.precision,
        threads=plan.threads,
        processes=ranks.count,
        data_options=options,
        init=init,
        labels=label_fingerprint(samples) if recipe.conditional else "",
    )
    run.write_recipe(recipe, facts)
    announce(recipe, facts, 0)
    _run(state, recipe, samples, run, plan, observer, score, minutes)
    return run


def resume(
    directory: Path | str,
    *,
    steps: int | None = None,
    changes: Mapping[str, Any] | None = None,
    recipe: Recipe | None = None,
    data: str | None = None,
    data_options: DataOptions | None = None,
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    announce: Announce = _silent,
    observer: Observer = _silent,
    score: MakeScore | None = None,
    watch: Watcher | None = None,
    minutes: float | None = None,
    tensorboard: bool = False,
) -> RunDirectory:
    """Go on with a run from its last checkpoint, or from its beginning if it has none.

    Recipe, data, device, precision and threads are as they were. On the CPU the weights at the end
    equal those of a run that was never stopped, bit for bit.

    Args:
        directory: The run directory.
        steps: Another total number of steps; None keeps it.
        changes: Settings to change, by dotted key; only those that `may_change`.
        recipe: Refuse to go on if this is not the run's recipe; None takes what is there. The same
            of ``data``, ``data_options``, ``device``, ``precision`` and ``threads``.
        announce: Told what the run goes on with.
        observer: Given each row of metrics.
        score: As for `train`.
        watch: Told while the data is being read.
        minutes: As for `train`, from now on.
        tensorboard: As for `train`.

    Raises:
        ResumeError: Something is not as it was, and may not change; both values are named.
        DropganError: As for `train`.
    """
    run = RunDirectory(directory)
    observer = _with_tensorboard(observer, run, tensorboard)
    begun, facts = run.read_recipe()
    longer = {} if steps is None else {"training.steps": steps}
    recipe = changed_recipe(begun, {**(changes or {}), **longer}, recipe)
    wanted = {
        "data": data and unchanging_name(data),
        "device": device and _recorded(choose_device(device), current_ranks()),
        "precision": precision,
        "threads": threads,
    }
    refuse(
        [
            f"{name} was {getattr(facts, name)}, now {value}"
            for name, value in wanted.items()
            if value is not None and value != getattr(facts, name)
        ]
        + (options_differences(facts.data_options, data_options) if data_options else [])
    )
    ranks = current_ranks()
    samples = ranks.read(lambda: facts.load_data(watch))
    if recipe.conditional:
        samples = with_classes(samples, watch)
    found = {"fingerprint": samples.fingerprint, "labels": label_fingerprint(samples)}
    for name, value in found.items():
        before = getattr(facts, name)
        if before and value != before:
            what = "fingerprint" if name == "fingerprint" else "fingerprint of its labels"
            raise ResumeError(
                f"{facts.data} has changed since {run.path} began: its {what} was {before[:19]}, now"
                f" {value[:19]}: start a new run"
            )
    kind = facts.device if ranks.count == 1 else facts.device.partition(":")[0]
    plan = Plan(choose_device(kind), facts.precision, facts.threads)
    plan.apply()
    spec = _spec(recipe, samples)
    checkpoint = resumable_checkpoint(run)
    if checkpoint is not None:
        state = _untrained(recipe, spec, plan)
        state.restore(checkpoint)
    else:
        state, _ = _first_state(recipe, spec, plan, _same_pretrained(facts.init, run))
    train_in_parallel(state, recipe, plan.device, ranks)
    if recipe != begun:
        run.write_recipe(recipe, facts)
    run.rewind_metrics(state.step, len(state.rollbacks))
    announce(recipe, facts, state.step)
    _run(state, recipe, samples, run, plan, observer, score, minutes)
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
    init_from = options.get("init_from")
    source = "" if init_from is None else str(pretrained_file(init_from))
    if facts.init.source != source:
        differences.append(f"its first weights were of {facts.init.source or 'no model'}")
    if differences:
        raise RunError(
            f"{run.path} already holds a run with other settings ({'; '.join(differences)}): choose another"
            " directory, or give the settings it began with"
        )
    if run.last_checkpoint.exists():
        done = load_checkpoint(run.last_checkpoint).about["step"]
        scored = any("score" in row and row["step"] == done for row in run.read_metrics())
        if done >= recipe.training.steps and (scored or options.get("score") is None):
            return run
    kept = ("announce", "observer", "score", "watch", "minutes", "tensorboard")
    watchers = {key: options[key] for key in kept if key in options}
    return resume(directory, **watchers)


def _first_state(
    recipe: Recipe, spec: SampleSpec, plan: Plan, pretrained: Pretrained | None
) -> tuple[TrainingState, InitFacts]:
    """Networks before the first step, and what to record of where their weights are from."""
    state = _untrained(recipe, spec, plan)
    fresh = None if pretrained is None else begin_from(state, pretrained)
    require_learned(state.discriminator, recipe.discriminator.frozen_layers, fresh)
    if pretrained is None or fresh is None:
        return state, InitFacts()
    return state, InitFacts(str(pretrained.source), pretrained.fingerprint, tuple(fresh))


def _untrained(recipe: Recipe, spec: SampleSpec, plan: Plan) -> TrainingState:
    state = TrainingState.fresh(recipe, spec, plan.device)
    if plan.precision == "fp16":
        state.scale_losses(plan.device)
    return state


def _recorded(device: torch.device, ranks: Ranks) -> str:
    """A device as recipe.toml has it: of several processes each has another number."""
    return str(device) if ranks.count == 1 else device.type


def _same_pretrained(init: InitFacts, run: RunDirectory) -> Pretrained | None:
    """What a run without a checkpoint began from."""
    if not init.source:
        return None
    pretrained = load_pretrained(init.source)
    if pretrained.fingerprint != init.fingerprint:
        raise RunError(f"{init.source} has changed since {run.path} began from it: start a new run")
    return pretrained


def _run(
    state: TrainingState,
    recipe: Recipe,
    data: TrainingData,
    run: RunDirectory,
    plan: Plan,
    observer: Observer,
    score: MakeScore | None,
    minutes: float | None,
) -> None:
    about: dict[str, Any] = {
        "data": {
            "kind": data.kind,
            "shape": list(data.shape),
            "name": data.name,
            "fingerprint": data.fingerprint,
            "samples": len(data),
            "class_names": list(data.class_names),
            "class_numbers": list(data.class_numbers),
            "class_counts": class_counts(data) if recipe.conditional else [],
            "class_column": data.class_column if isinstance(data, VectorData) else "",
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
    ending = training_loop(
        state,
        recipe,
        Batches(
            data.samples,
            recipe.training.batch_size,
            recipe.training.seed,
            plan.device,
            data.labels if recipe.conditional else None,
            Standard(data.mean, data.scale) if isinstance(data, VectorData) else None,
            state.ranks,
        ),
        run,
        device=plan.device,
        precision=plan.precision,
        about=about,
        observer=observer,
        score=_made(score, data, recipe) if state.ranks.leader else None,
        minutes=minutes,
        picture=histogram_picture(data) if isinstance(data, VectorData) else image_grid(state.spec.classes),
    )
    if ending is not Ending.DONE and state.ranks.leader:
        observer({"step": state.step, "event": "stopped", "message": _stopped(ending, state, recipe, run)})


def _made(score: MakeScore | None, data: TrainingData, recipe: Recipe) -> Score | None:
    """The score, made without a trace in torch's random numbers: its networks may draw first weights."""
    with torch.random.fork_rng(devices=[]):
        return None if score is None else score(data, recipe)


def _with_tensorboard(observer: Observer, run: RunDirectory, wanted: bool) -> Observer:
    if not wanted:
        return observer
    log = TensorBoardLog(run)

    def both(row: dict[str, Any]) -> None:
        log(row)
        observer(row)

    return both


def _stopped(ending: Ending, state: TrainingState, recipe: Recipe, run: RunDirectory) -> str:
    more = " --set training.patience=0" if ending is Ending.PATIENCE else ""
    return (
        f"{ending.value}: stopped after step {state.step} of {recipe.training.steps}, everything is saved;"
        f" go on with: dropgan train --resume -o {run.path}{more}"
    )


def _spec(recipe: Recipe, data: TrainingData) -> SampleSpec:
    spec = SampleSpec(network_shape(data.shape), data.classes if recipe.conditional else 0)
    require_fit(recipe, spec)
    return spec
