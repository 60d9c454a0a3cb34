"""Images."""

from pathlib import Path

from dropgan.train.data import DataError, ImageData

from ..asked import Asked
from ..features import load_features
from ..images import Evaluation, evaluate_images
from ..real import held_out_images


def answer(asked: Asked) -> Evaluation:
    """The evaluation of a model of images, and its report if one is wanted.

    Raises:
        DropganError: As for `dropgan.evaluate`.
    """
    features, images, reporter = asked.features, asked.data, asked.reporter
    if not isinstance(images, ImageData):
        raise DataError(f"{images.name} holds {images.kind} where images are needed")
    evaluation = evaluate_images(
        asked.generator,
        images,
        samples=asked.samples,
        seed=asked.seed,
        features=load_features(features, device=asked.device) if isinstance(features, str) else features,
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
