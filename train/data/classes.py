"""Convert a data set's labels to the classes of a conditional model."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.card import MAX_COUNTED
from dropgan.serve.classes import Classes, is_number, numbers_of
from dropgan.serve.reporter import LOGGED, Reporter

from .dataset import DataError, TrainingData, require_class_labels

_Data = TypeVar("_Data", bound=TrainingData)


def with_classes(data: _Data, reporter: Reporter = LOGGED) -> _Data:
    """Return the same samples with labels 0 to k - 1, each of which has samples.

    The generator would never learn a class without samples, and yet users could ask for it. Labels therefore
    become places among the classes that occur, in the order of the classes' numbers. ``class_numbers`` of the
    result holds the numbers by which users ask for classes. These are the data's labels, unless the names are
    whole numbers that differ from the labels; then they are the names (`numbers_of`).

    Args:
        data: Samples with labels.
        reporter: Receives a message if classes are left out or numbered by their names.

    Raises:
        DataError: There are no labels, some are negative, all are of one class, or class names are
            empty, repeated, or fewer than the classes.
    """
    if data.labels is None:
        raise DataError(
            f"{data.name} has no labels, which a class-conditional model needs: use pictures in a"
            " subfolder for each class, an .npz with labels, or a table with --label-column; or train without"
            " --conditional"
        )
    require_class_labels(data.name, data.labels)
    present, labels = np.unique(data.labels, return_inverse=True)
    if len(present) < 2:
        raise DataError(f"{data.name}: all samples have the same class: train without --conditional")
    names = data.class_names
    _require_names(data.name, names)
    if names and len(names) <= present[-1]:
        raise DataError(f"{data.name}: {len(names)} class names, but labels go up to {present[-1]}")
    missing = [name for label, name in enumerate(names) if label not in set(present.tolist())]
    if missing:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        reporter.note(f"{len(missing)} of {len(names)} classes have no samples and are left out: {shown}")
    kept = tuple(names[label] for label in present.tolist()) if names else ()
    numbers = np.array(_numbers(present.tolist(), kept, reporter))
    order = np.argsort(numbers)
    return data.changed(
        labels=np.argsort(order)[labels].astype(np.int64),
        class_names=tuple(kept[place] for place in order) if kept else (),
        class_numbers=tuple(numbers[order].tolist()),
    )


def _require_names(source: str, names: tuple[str, ...]) -> None:
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise DataError(f"{source}: class names must be distinct and not empty: {names}"[:300])


def _numbers(labels: list[int], names: tuple[str, ...], reporter: Reporter) -> Sequence[int]:
    """Return the number of each class by which users ask for it."""
    if all(int(name) == label for name, label in zip(names, labels, strict=False) if is_number(name)):
        return labels
    numbers = numbers_of(names)
    pairs = ", ".join(f"{number} is {name}" for number, name in list(zip(numbers, names, strict=True))[:5])
    reporter.note(f"the class numbers follow from the names: {pairs}{', ...' if len(names) > 5 else ''}")
    return numbers


def class_counts(data: TrainingData) -> list[int]:
    """Return the number of samples of each class, in the order of the classes; empty beyond a
    card's limit.
    """
    if data.labels is None or len(data) > MAX_COUNTED:
        return []
    return [int(count) for count in np.bincount(data.labels, minlength=data.classes)]


def label_fingerprint(data: TrainingData) -> str:
    """Return ``sha256:`` and the digest of labels, names and numbers; empty without labels."""
    if data.labels is None:
        return ""
    digest = hashlib.sha256(repr((data.class_names, data.class_numbers)).encode())
    digest.update(np.ascontiguousarray(data.labels, dtype="<i8").data)
    return f"sha256:{digest.hexdigest()}"


def cluster_names(count: int) -> tuple[str, ...]:
    """Return the names of clusters that stand in for classes."""
    return tuple(f"cluster {number}" for number in range(count))


def labels_for_model(data: TrainingData, classes: Classes) -> NDArray[np.int64] | None:
    """Return the data's labels as places of a conditional model's classes.

    A class is matched by name if both have names, otherwise by number. Clusters are not classes of the data,
    even where their numbers are the same.

    Args:
        data: Data of the kind that the model was trained on.
        classes: Classes of the model.

    Returns:
        int64 [n], or None if the data has no labels or one that the model does not know.
    """
    if data.labels is None:
        return None
    if classes.names == cluster_names(len(classes)) != data.class_names:
        return None
    present, inverse = np.unique(data.labels, return_inverse=True)
    places = []
    for label in present.tolist():
        name = data.class_names[label] if label < len(data.class_names) else ""
        own = data.class_numbers[label] if data.class_numbers else label  # places, where there are numbers
        number = int(name) if is_number(name) else own
        known: Sequence[str | int] = classes.names if name and classes.names else classes.numbers
        wanted: str | int = name if known is classes.names else number
        if wanted not in known:
            return None
        places.append(known.index(wanted))
    return np.array(places, dtype=np.int64)[inverse]
