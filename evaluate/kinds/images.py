"""Evaluation of images."""

from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dropgan.export import Scorer
from dropgan.serve.reporter import Reporter
from dropgan.train.data import ImageData, require_kind

from ..asked import Asked
from ..features import FeatureNetwork
from ..fitted import features_for
from ..frechet import FrechetScorer
from ..images import Evaluation, evaluate_images
from ..real import held_out_images
from ..scoring import score_name

_FEWEST, _MOST = 1_000, 10_000  # samples of a file scored: as many as there are real ones, within these
_SCORE_SEED = 1  # as `evaluate`: not the run's own, whose first samples its grids show


def answer(asked: Asked) -> Evaluation:
    """Evaluate a model of images, and write its report if requested.

    Raises:
        DropganError: As for `dropgan.evaluate`.
    """
    features, reporter = asked.features, asked.reporter
    images = require_kind(asked.data, ImageData)
    evaluation = evaluate_images(
        asked.generator,
        images,
        samples=asked.samples,
        seed=asked.seed,
        features=features
        if isinstance(features, FeatureNetwork)
        else features_for(
            images,
            features,
            seen=asked.generator.card.training.features.fingerprint,
            device=asked.device,
            reporter=reporter,
        ),
        held_out=held_out_images(asked.held_out, images, asked.source, reporter),
        run=asked.run,
        name=asked.name,
        reporter=reporter,
    )
    if asked.report is not None:
        from ..report import write_report  # which brings matplotlib

        reporter.say("drawing the report")
        write_report(evaluation, Path(asked.report))
    return evaluation


def file_scorer(images: ImageData, reporter: Reporter) -> Scorer:
    """Return the Fréchet distance of a file's samples to the images."""
    samples = min(max(len(images.images), _FEWEST), _MOST)
    network = features_for(images, reporter=reporter)

    @cache
    def scorer() -> FrechetScorer:  # not before a file is there to score: it takes a while
        reporter.say(f"scoring {samples:,} samples against {images.name}; --no-score leaves it out")
        return FrechetScorer(images, network)

    def distance(made: NDArray[Any]) -> float:
        return scorer()(made)

    reference = f"{len(images.images):,} of {images.name}"
    return Scorer(score_name("frechet_distance", network.name), reference, samples, _SCORE_SEED, distance)
