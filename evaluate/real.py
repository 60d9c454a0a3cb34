"""The real data to compare a model with: its training data, and data that it never saw."""

from dataclasses import replace

from dropgan.serve import Generator
from dropgan.serve.reporter import Reporter
from dropgan.train import DataError, DataOptions, ImageData, VectorData
from dropgan.train.data import GraphData, TrainingData, holds_pictures, require_kind
from dropgan.train.data.readers.fashion_mnist import has_fashion_mnist
from dropgan.train.run.facts import RunFacts
from dropgan.train.run.source import DataSource

from .features import AUTO

_TEST = "fashion-mnist-test"
_TRAINING = ("fashion-mnist", "fashion-mnist-10k")


def real_data(
    given: DataSource, generator: Generator, facts: RunFacts | None, reporter: Reporter
) -> tuple[TrainingData, DataSource]:
    """Return the real data to compare with, of the kind that the model makes, and their source.

    Args:
        given: The user's choice; if its data is None, the training data are used.
        generator: The model.
        facts: Facts of its run, or None for a file alone.
        reporter: Receives the progress of reading.

    Raises:
        DataError: The data is missing, unsuitable, or of another kind than the model's samples.
    """
    source = given
    if given.data is None:
        source = replace(given, data=facts.data if facts else generator.card.data.name)
        if facts and facts.data_dir and given.data_dir is None:
            source = replace(source, data_dir=DataSource.of(facts).data_dir)
    if facts and source.options == DataOptions() and source.name == facts.data:
        source = replace(source, options=facts.data_options)
    try:
        data = _read(source, generator.sample_shape, reporter)
    except DataError as error:
        if given.data is not None:
            raise
        raise DataError(
            f"the model's training data cannot be found ({error}): name it with --data D"
        ) from error
    if data.kind != generator.card.data.kind:
        raise DataError(
            f"{data.name} holds {data.kind}, but the model makes {generator.card.data.kind}: name other data"
            " with --data D"
        )
    return data, source


def real_images(source: DataSource, reporter: Reporter) -> ImageData:
    """Return images in their own shape, not converted to a model's.

    Raises:
        DataError: The data is missing, unsuitable, or not images.
    """
    return require_kind(_read(source, None, reporter), ImageData)


def held_out_images(
    held_out: object, images: ImageData, source: DataSource, reporter: Reporter
) -> ImageData | None:
    """Return images that the model never saw, or None.

    Args:
        held_out: Data as for `load_data`; ``auto`` for Fashion-MNIST's test images if they are
            installed and ``images`` are its training images; None for none.
        images: The real images to compare with.
        source: Source of ``images``; held-out images are read in the same way.
        reporter: Receives the progress of reading.

    Raises:
        DataError: The requested data are missing, unsuitable, or not images.
    """
    if isinstance(held_out, str) and held_out == AUTO:
        if images.name not in _TRAINING or not has_fashion_mnist(source.data_dir):
            return None
        held_out = _TEST
    if held_out is None:
        return None
    unseen = _read(_beside(source, held_out), images.shape, reporter)
    return require_kind(unseen, ImageData, "held-out images")


def held_out_vectors(held_out: object, source: DataSource, reporter: Reporter) -> VectorData | None:
    """Return held-out vectors, or None. ``auto`` means none.

    Raises:
        DataError: The requested data are missing, unsuitable, or not vectors.
    """
    if held_out is None or (isinstance(held_out, str) and held_out == AUTO):
        return None
    unseen = _read(_beside(source, held_out), None, reporter)
    return require_kind(unseen, VectorData, "held-out vectors")


def held_out_graphs(held_out: object, source: DataSource, reporter: Reporter) -> GraphData | None:
    """Return held-out graphs, or None. ``auto`` means none.

    Raises:
        DataError: The requested data are missing, unsuitable, or not graphs.
    """
    if held_out is None or (isinstance(held_out, str) and held_out == AUTO):
        return None
    unseen = _read(_beside(source, held_out), None, reporter)
    return require_kind(unseen, GraphData, "held-out graphs")


def _beside(source: DataSource, data: object) -> DataSource:
    """Return a source of other data to be read in the same way, but without a limit, which is for
    training.
    """
    return replace(source, data=data, labels=None, options=replace(source.options, limit=0))


def _read(source: DataSource, shape: tuple[int, ...] | None, reporter: Reporter) -> TrainingData:
    """Read data. Pictures, which can have any size, are converted to the shape of a model's samples."""
    # a directory of Fashion-MNIST may be named for held-out images alone
    takes = isinstance(source.data, str) and source.data in ("fashion-mnist", _TEST)
    folder = source.data_dir if takes else None
    source = replace(source, data_dir=folder)
    if shape is not None and len(shape) == 3 and holds_pictures(source.data):
        source = replace(source, options=source.options.fitted_to(*shape))
    return source.read(reporter)
