"""Scores against images that no trial is trained on."""

from dropgan.evaluate.real import held_out_images
from dropgan.serve.reporter import SILENT, Reporter
from dropgan.train import ImageData, Recipe
from dropgan.train.data import TrainingData, require_kind, with_classes
from dropgan.train.monitor import Score
from dropgan.train.run.session import MakeScore
from dropgan.train.run.source import DataSource

from .axes import SweepError


def read_held_out(held_out: object, data: TrainingData, source: DataSource, reporter: Reporter) -> ImageData:
    """Read held-out images in the same way as the training images.

    Raises:
        DataError: They are missing or unsuitable, or the data are not images.
        SweepError: They have another shape, or are the training images.
    """
    unseen = held_out_images(held_out, require_kind(data, ImageData, "images"), source, reporter)
    assert unseen is not None
    if unseen.shape != data.shape:
        raise SweepError(f"held-out images are {unseen.shape}, the others {data.shape}: make them alike")
    if unseen.fingerprint == data.fingerprint:
        raise SweepError(f"{unseen.name} is the training data: hold out other images")
    return unseen


def against(unseen: ImageData, score: MakeScore) -> MakeScore:
    """Return a score that compares with held-out images instead of the training images."""

    def make(data: TrainingData, recipe: Recipe) -> Score | None:
        return score(labelled_like(unseen, data) if recipe.learns_classes else unseen, recipe)

    return make


def labelled_like(unseen: ImageData, data: TrainingData) -> ImageData:
    """Return held-out images whose labels have the same meaning as those of the data.

    Raises:
        SweepError: They have other classes.
        DataError: They have no labels.
    """
    labelled = with_classes(unseen, SILENT)
    if not data.class_numbers:  # they are as they were read
        data = with_classes(data, SILENT)
    if (labelled.class_numbers, labelled.class_names) != (data.class_numbers, data.class_names):
        raise SweepError(f"{unseen.name} has other classes than the data: train with --no-conditional")
    return labelled
