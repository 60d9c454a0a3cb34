"""The function that runs a sweep."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import Any

from dropgan.evaluate import validation_metric
from dropgan.serve.errors import InputError, OutputError
from dropgan.serve.lock import Lock
from dropgan.serve.outputs import local_path
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.train import DataOptions, Interrupted, Recipe, RunError
from dropgan.train.data import TrainingData, unchanging_name
from dropgan.train.distributed.ranks import started_processes
from dropgan.train.run.plan import Wanted, make_plan
from dropgan.train.run.seen import seen_in
from dropgan.train.run.session import MakeScore
from dropgan.train.run.source import DataSource

from .axes import LIMIT, Axis, Range, SweepError, ends, parse_axes
from .held_out import against, labelled_like, read_held_out
from .plan import Grid, Plan
from .points import Point, Space, grid, values_of
from .question import Question, read_question, write_question
from .report import write_report
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
    held_out: object = None,
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
        prune: In a search, end a trial early if, from a quarter of its steps on, its best score is worse
            than the median of finished trials after equally many steps.
        settings: Changes in every trial, as for `dropgan.train`, like all other arguments except:
        held_out: Images to score against that no trial is trained on, as ``data``. None scores against
            the training images, where a trial that repeats few of them looks good.
        device: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        The results, which are also in results.json, results.csv, best.toml and report.html.

    Raises:
        SweepError: An axis is not a setting, a combination cannot be trained (the message names each), or
            the directory holds another sweep (the message has the differences).
        Interrupted: The process received SIGINT, SIGTERM or SIGHUP. The same call continues the sweep.
        DropganError: As for `dropgan.train`.
    """
    if started_processes() > 1:
        raise InputError(
            "a sweep trains each run in one process: start the same command several times instead"
        )
    if device.startswith("cuda:"):
        raise SweepError(
            "a sweep takes device cuda, since a trial may go on elsewhere: choose each process's GPU with"
            " CUDA_VISIBLE_DEVICES"
        )
    if not 1 <= seeds <= _MOST_SEEDS:
        raise InputError(f"seeds must be 1 to {_MOST_SEEDS}, not {seeds}")
    path = local_path(directory)
    said = parse_axes(axes)
    _require_enough(said, trials)
    options = data_options or DataOptions()
    if LIMIT in said and options.limit:
        raise SweepError(f"the number of samples is an axis ({LIMIT}): leave out --limit")
    source = DataSource(data, labels, data_dir, options).or_default()
    wanted = Wanted(device, precision, threads, retune)
    target = wanted.require_possible()
    found = source.read(reporter)
    space = Space(recipe, settings or {}, found, seen_in(found, target.type), options)
    points = grid(said, space)
    if held_out is not None:
        unseen = read_held_out(held_out, found, source, reporter)
        if any(point.recipe.learns_classes for point in points):
            labelled_like(unseen, found)
        score = against(unseen, score)
    if space.why:
        reporter.say(space.why)
    with _opened(path):
        how = "" if trials is None else "tpe, pruned" if prune else "tpe"
        held = "" if held_out is None else f"{unchanging_name(held_out)} {unseen.fingerprint[:19]}"
        question = _settled(path, source, found, points, said, seeds, wanted, how, held)
    folder, steps = path / _TRIALS, [point.recipe.training.steps for point in points]
    plan: Plan = Grid(folder, points, question.seeds)
    count, all_steps = seeds * len(points), seeds * sum(steps)
    if trials is not None:
        plan = Search(path, folder, said, space, question.seeds, trials, prune=prune)
        count, all_steps = seeds * trials, seeds * trials * max(steps)
    watch = Watch(count, all_steps, reporter)
    kept = Wanted(question.device, question.precision, question.threads)
    try:
        Worker(source, kept, score, plan, watch).work()
    except KeyboardInterrupt as error:  # between two trials; in one, training notes it and saves
        _written(path, question, plan)
        raise Interrupted(watch.stopped(None), 2) from error
    except Interrupted:
        _written(path, question, plan)
        raise
    return _written(path, question, plan)


def _require_enough(axes: Mapping[str, Axis], trials: int | None) -> None:
    """Refuse a grid of ranges, and a search with more trials than combinations.

    Raises:
        SweepError: It is one of these.
        MissingExtraError: Optuna, which a search needs, is not installed.
    """
    ranges = [key for key, axis in axes.items() if isinstance(axis, Range)]
    if trials is None:
        if ranges:
            raise SweepError(
                f"{', '.join(ranges)}: a grid needs values, as in 0,0.1; --trials N searches in a range"
            )
        return
    require_optuna()
    most = math.prod(map(len, map(ends, axes.values())))
    if trials < 1 or (not ranges and trials > most):
        raise SweepError(
            f"{trials:,} trials of {most:,} combinations: leave out --trials to train all, or widen an axis"
        )


def _written(path: Path, question: Question, plan: Plan) -> Results:
    """Write the results so far and return them."""
    results = results_of(path, question, plan.trials())
    results.write()
    write_report(results)
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
    held_out: str,
) -> Question:
    """Return the question of the sweep in the directory, or write this one.

    Raises:
        SweepError: It differs from the existing one.
        RunError: The directory contains files that do not belong to a sweep.
    """
    first, begun = points[0].recipe, read_question(path)
    if begun is None:
        if any(not entry.name.startswith(".") for entry in path.iterdir()):
            raise RunError(f"{path} exists and holds files that are not a sweep: choose another directory")
        plan = make_plan(first, points[0].spec, wanted)
        wanted = Wanted(plan.device.type, plan.precision, plan.threads)
    else:  # what is left open is as it was
        precision = begun.precision if wanted.precision == "auto" else wanted.precision
        device = begun.device if wanted.device == "auto" else wanted.device
        wanted = Wanted(device, precision, wanted.threads or begun.threads)
    assert wanted.threads is not None
    question = Question(
        data=source.name,
        data_dir=str(source.data_dir.resolve()) if source.data_dir else "",
        data_options=source.options,
        fingerprint=data.fingerprint,
        held_out=held_out,
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
    """Lock the sweep's directory while its question is read or written."""
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
