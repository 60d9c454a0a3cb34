"""The call that sweeps."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from dropgan.evaluate import validation_metric
from dropgan.serve.errors import InputError, OutputError
from dropgan.serve.lock import Lock
from dropgan.serve.outputs import local_path
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.train import DataOptions, Interrupted, Recipe, RunError
from dropgan.train.data import TrainingData
from dropgan.train.distributed.ranks import started_processes
from dropgan.train.run.plan import Wanted, make_plan
from dropgan.train.run.seen import seen_in
from dropgan.train.run.session import MakeScore
from dropgan.train.run.source import DataSource

from .axes import LIMIT, Axis, Range, SweepError, parse_axes
from .plan import Grid, Plan
from .points import Point, Space, grid, values_of
from .question import Question, read_question, write_question
from .results import Results, results_of
from .search import Search, require_optuna
from .watch import Watch
from .work import Worker

_TRIALS = "trials"
_PATIENCE = 300.0  # seconds for the first process to measure what all compute with
_MOST_SEEDS = 1000


def sweep(
    directory: str | PathLike[str],
    axes: Mapping[str, str | Sequence[Any] | Range],
    recipe: Recipe | str = "auto",
    *,
    seeds: int = 1,
    trials: int | None = None,
    prune: bool = True,
    data: object = None,
    labels: object = None,
    settings: Mapping[str, Any] | None = None,
    data_dir: Path | None = None,
    data_options: DataOptions | None = None,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    retune: bool = False,
    score: MakeScore = validation_metric,
    reporter: Reporter = LOGGED,
) -> Results:
    """Train combinations of some settings' values with several seeds, and compare them.

    Several processes that make the same call with the same directory share the work. A trial whose
    process dies is taken over by another, or by the next call, from its last checkpoint.

    Args:
        directory: Directory of the sweep; each trial is a run directory in its folder ``trials``.
        axes: Values by the dotted key of a setting, or ``data.limit``, the number of samples to train
            on: ``{"generator.dropout": [0, 0.1]}``, or ``"0,0.1"`` as on the command line. In a search
            also ranges: ``"0:0.5"``, ``"1e-4:1e-2:log"``.
        recipe: As for `dropgan.train`. With ``auto`` it is chosen once, by all of the data.
        seeds: Number of seeds for each combination, counted from the recipe's. Trials of one seed see
            the same data order, latents and augmentation.
        trials: Search with this number of combinations, proposed by Optuna's TPE sampler (Bergstra et
            al., "Algorithms for hyper-parameter optimization", NeurIPS 2011), instead of training all. A
            later call may ask for more.
        prune: In a search, whether a trial ends early if, from a quarter of its steps on, its best score
            is worse than the median of what finished trials had after as many steps.
        settings: What is changed in every trial, as for `dropgan.train`, like all other arguments.

    Returns:
        What was found, which is also in results.json, results.csv and best.toml.

    Raises:
        SweepError: An axis is no setting, a combination cannot be trained (each is named), or the
            directory holds another sweep (the message says in what it differs).
        Interrupted: SIGINT, SIGTERM or SIGHUP came; the same call goes on.
        DropganError: As for `dropgan.train`.
    """
    if started_processes() > 1:
        raise InputError(
            "a sweep trains each run in one process: start the same command several times instead"
        )
    if not 1 <= seeds <= _MOST_SEEDS:
        raise InputError(f"seeds must be 1 to {_MOST_SEEDS}, not {seeds}")
    path = local_path(directory)
    said = parse_axes(axes)
    ranges = [key for key, axis in said.items() if isinstance(axis, Range)]
    if trials is not None:
        require_optuna()
    elif ranges:
        raise SweepError(
            f"{', '.join(ranges)}: a grid needs values, as in 0,0.1; --trials N searches in a range"
        )
    options = data_options or DataOptions()
    if LIMIT in said:
        options = replace(options, limit=0)
    source = DataSource(data, labels, data_dir, options).or_default()
    wanted = Wanted(device, precision, threads, retune)
    target = wanted.require_possible()
    found = source.read(reporter)
    space = Space(recipe, settings or {}, found, seen_in(found, target.type), options)
    points = grid(said, space)
    if space.why:
        reporter.say(space.why)
    with _opened(path):
        how = "" if trials is None else "tpe, pruned" if prune else "tpe"
        question = _settled(path, source, found, points, said, seeds, wanted, how)
    folder, steps = path / _TRIALS, [point.recipe.training.steps for point in points]
    plan: Plan = Grid(folder, points, question.seeds)
    count, all_steps = seeds * len(points), seeds * sum(steps)
    if trials is not None:
        plan = Search(path, folder, said, space, question.seeds, trials, prune=prune)
        count, all_steps = seeds * trials, seeds * trials * max(steps)
    watch = Watch(count, all_steps, reporter)
    kept = Wanted(device if device != "auto" else question.device, question.precision, question.threads)
    try:
        Worker(source, kept, score, plan, watch).work()
    except KeyboardInterrupt as error:  # between two trials; in one, training notes it and saves
        results_of(path, question, plan.trials()).write()
        raise Interrupted(watch.stopped(None), 2) from error
    except Interrupted:
        results_of(path, question, plan.trials()).write()
        raise
    results = results_of(path, question, plan.trials())
    results.write()
    return results


def _settled(
    path: Path,
    source: DataSource,
    data: TrainingData,
    points: Sequence[Point],
    said: Mapping[str, Axis],
    seeds: int,
    wanted: Wanted,
    search: str,
) -> Question:
    """The sweep's question: as it was written down, or written down now.

    Raises:
        SweepError: It differs from the one that was written down.
        RunError: The directory holds other files, with which a sweep would mix its own.
    """
    first, begun = points[0].recipe, read_question(path)
    if begun is None:
        if any(not entry.name.startswith(".") for entry in path.iterdir()):
            raise RunError(f"{path} exists and holds something that is no sweep: choose another directory")
        plan = make_plan(first, points[0].spec, wanted)
        wanted = Wanted(plan.device.type, plan.precision, plan.threads)
    else:  # what is left open is as it was
        precision = begun.precision if wanted.precision == "auto" else wanted.precision
        device = begun.device if wanted.device == "auto" else wanted.device.partition(":")[0]
        wanted = Wanted(device, precision, wanted.threads or begun.threads)
    assert wanted.threads is not None
    question = Question(
        data=source.name,
        data_dir=str(source.data_dir.resolve()) if source.data_dir else "",
        data_options=source.options,
        fingerprint=data.fingerprint,
        held_out="",
        recipe=first.model_dump(mode="json"),
        axes={key: axis if isinstance(axis, Range) else values_of(points, key) for key, axis in said.items()},
        seeds=tuple(range(first.training.seed, first.training.seed + seeds)),
        device=wanted.device,
        precision=wanted.precision,
        threads=wanted.threads,
        search=search,
    )
    if begun is None:
        write_question(path, question)
        return question
    if differences := begun.differences(question, path):
        raise SweepError(
            f"{path} holds another sweep ({'; '.join(differences)}): choose another directory, or repeat its"
            " command"
        )
    return begun


@contextmanager
def _opened(path: Path) -> Iterator[None]:
    """Hold the sweep's directory while its question is looked up or written down."""
    missing = [place for place in (path, *path.parents) if not place.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    lock = Lock(path / ".lock", patience=_PATIENCE)
    try:
        yield
    finally:
        lock.release()
        with suppress(OSError):  # there is something in it
            for place in missing:
                place.rmdir()
