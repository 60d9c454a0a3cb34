"""Collect the facts about data by which a recipe is chosen."""

from collections import Counter

from dropgan.serve.reporter import SILENT, Reporter

from ..data import DataError, TrainingData, with_classes
from ..kinds import training_kind
from ..recipes import Asked, Recipe
from ..recipes.auto import ClassCount, Seen
from .plan import choose_device
from .source import DataSource


def seen_in(
    data: TrainingData, device: str = "cpu", architecture: str = "", finest: int | None = None
) -> Seen:
    """Return the facts about data.

    Args:
        data: The data.
        device: ``cpu`` or ``cuda``, the device of the training.
        architecture: Architecture of the run that training starts from, or empty.
        finest: Channels at full resolution of the generator that training starts from, or None.
    """
    spec = training_kind(data.kind).spec_of(data, 0)
    classes, unusable = counted_classes(data)
    return Seen(spec, len(data), classes, unusable, device, architecture, finest)


def counted_classes(data: TrainingData) -> tuple[tuple[ClassCount, ...], str]:
    """Return the classes that have samples, in the order of their numbers, and why they cannot be learned, if
    so.
    """
    if data.labels is None:
        return (), ""
    names: dict[int, str] = dict(enumerate(data.class_names))
    try:
        if len(set(data.labels.tolist())) > 1:
            data = with_classes(data, SILENT)
            names = dict(enumerate(data.class_names or map(str, data.class_numbers)))
        unusable = ""
    except DataError as error:
        unusable = str(error)
    assert data.labels is not None
    counts = sorted(Counter(data.labels.tolist()).items())
    return tuple(ClassCount(names.get(label, str(label)), count) for label, count in counts), unusable


def settled_recipe(asked: Asked, source: DataSource, device: str, reporter: Reporter) -> Recipe:
    """Return the recipe that a run on the source would use. The data are read if it depends on them.

    Raises:
        DropganError: The data cannot be read, or the device does not work.
    """
    if asked.recipe is not None:
        return asked.recipe
    seen = seen_in(source.read(reporter), choose_device(device).type)
    recipe, chosen = asked.settled(seen)
    reporter.say(chosen.why)
    return recipe
