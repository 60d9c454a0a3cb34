"""Everything in one call: train, export, sample and evaluate."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from dropgan.evaluate import (
    Evaluation,
    GraphEvaluation,
    VectorEvaluation,
    certificate,
    evaluate,
    validation_metric,
)
from dropgan.export import add_scores, export
from dropgan.serve import Generator
from dropgan.serve.atomic import write_text
from dropgan.serve.card import Card
from dropgan.serve.errors import InputError
from dropgan.serve.parsing import json_text
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.serve.write import shown_as
from dropgan.train import DataOptions, Recipe, RunDirectory
from dropgan.train.distributed.ranks import started_processes
from dropgan.train.kinds import training_kind
from dropgan.train.recipes import asked_recipe
from dropgan.train.run.plan import Wanted
from dropgan.train.run.session import Session, prepare
from dropgan.train.run.source import DataSource
from dropgan.train.run.start import new_or_begun_run, repeated_or_begun_run, require_like_alone


@dataclass(frozen=True)
class Finished:
    """The results of `run`."""

    run: RunDirectory
    """Where everything is."""
    model: Path
    """The exported file."""
    card: Card
    """What the file says of itself, scores included."""
    samples: Path
    """A grid of pictures, or a table of vectors."""
    evaluation: Evaluation | GraphEvaluation | VectorEvaluation
    """What was found."""
    report: Path | None
    """The evaluation of images as one HTML file."""

    def generator(self, device: str = "auto") -> Generator:
        """Open the model to sample from it."""
        return Generator(self.model, device=device)


def run(
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
    minutes: float | None = None,
    tensorboard: bool = False,
    count: int = 100,
    score_samples: int = 10_000,
    reporter: Reporter = LOGGED,
) -> Finished:
    """Train a GAN, export its generator, sample from the file and evaluate it.

    If this was started in the directory with the same settings, it continues without repeating finished work.
    The weights with the best score in training are exported.

    Args:
        directory: Directory for the run, the model, the samples and the report.
        recipe: As for `dropgan.train`, like all arguments except these:
        count: Number of samples in the grid or the table.
        score_samples: Number of samples to score; fewer bias the Fréchet distance upwards.

    Raises:
        DropganError: As for `dropgan.train`, `dropgan.export` and `dropgan.evaluate`.
    """
    if started_processes() > 1:
        raise InputError("dropgan run uses one process: with several, use dropgan train")
    if count < 1 or score_samples < 10:
        raise InputError("count must be 1 or more, score_samples 10 or more")
    place = RunDirectory(directory)
    asked = asked_recipe(recipe, steps=steps, seed=seed, conditional=conditional, settings=settings)
    wanted = Wanted(device, precision, threads, retune)
    if like is not None:
        require_like_alone(asked, wanted, data_options, init_from)
    source = DataSource(data, labels, data_dir, data_options or DataOptions())
    with place.locked():
        if like is None:
            start = new_or_begun_run(place, asked, source.or_default(), wanted, init_from, minutes)
        else:
            start = repeated_or_begun_run(place, RunDirectory(like), source)
        score = partial(validation_metric, reporter=reporter)
        session = prepare(start, score=score, minutes=minutes, tensorboard=tensorboard, reporter=reporter)
        if not session.is_complete():
            session.run()
        return _deploy(session, start.source, count, score_samples, reporter)


def _deploy(
    session: Session, source: DataSource, count: int, score_samples: int, reporter: Reporter
) -> Finished:
    """Export a trained run and return its results."""
    place = session.directory
    model = place.path / "model.onnx"
    card = export(place, model, reporter=reporter)
    generator = Generator(model)
    samples = _sample(generator, place, count, reporter)
    report = place.path / "report.html" if training_kind(session.data.kind).has_report else None
    evaluation = evaluate(
        generator,
        session.compared,
        samples=score_samples,
        run=place,
        name=place.path.resolve().name,
        data_dir=source.data_dir,
        data_options=source.options,
        report=report,
        reporter=reporter,
    )
    found = evaluation.scores + certificate(evaluation.copies, session.data.name, seed=evaluation.seed)
    card = add_scores(model, found)
    scores = [dataclasses.asdict(score) for score in found]
    write_text(place.path / "scores.json", json_text(scores, indent=1) + "\n")
    return Finished(place, model, card, samples, evaluation, report)


def _sample(generator: Generator, place: RunDirectory, count: int, reporter: Reporter) -> Path:
    """Write a picture or a table of the first samples of the run's seed."""
    shown = shown_as(generator.card)
    path = place.path / f"samples{shown.suffix}"
    shown.write(
        generator,
        path,
        count,
        seed=generator.card.training.seed,
        start=0,
        reporter=reporter,
    )
    return path
