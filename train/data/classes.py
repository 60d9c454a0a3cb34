"""From labels as data sets have them to the classes of a conditional model."""

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .dataset import DataError, ImageData
from .options import Watcher
from .vectors import VectorData

_Data = TypeVar("_Data", bound=ImageData | VectorData)


def with_classes(data: _Data, watch: Watcher | None = None) -> _Data:
    """The same samples with labels 0 to k - 1, each of which has samples.

    A class without samples would be one that the generator never learned and that anyone might ask
    for, so numbers are mapped to those that occur, in their order; names go along. Where the data
    has no names and numbers were mapped, the old numbers are the names.

    Args:
        data: Samples with labels.
        watch: Told if classes were left out.

    Raises:
        DataError: There are no labels, they are all of one class, or class names are empty, there
            twice, or fewer than the classes.
    """
    if data.labels is None:
        raise DataError(
            f"{data.name} has no labels, which a class-conditional model is made of: give pictures in a"
            " subfolder a class, or an .npz or table with labels; or train without --conditional"
        )
    present, labels = np.unique(data.labels, return_inverse=True)
    if len(present) < 2:
        raise DataError(f"{data.name}: all samples are of one class: train without --conditional")
    names = data.class_names
    if names and (len(set(names)) < len(names) or not all(name.strip() for name in names)):
        raise DataError(f"{data.name}: class names must be there once each and not be empty: {names}"[:300])
    if names and len(names) <= present[-1]:
        raise DataError(f"{data.name}: {len(names)} class names, but labels go up to {present[-1]}")
    kept = tuple(names[label] if names else str(label) for label in present.tolist())
    missing = [name for label, name in enumerate(names) if label not in set(present.tolist())]
    if missing and watch is not None:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        watch.say(f"{len(missing)} of {len(names)} classes have no samples and are left out: {shown}")
    if not names and present[-1] == len(present) - 1:
        kept = ()
    return dataclasses.replace(data, labels=labels.astype(np.int64), class_names=kept)


def label_fingerprint(data: ImageData | VectorData) -> str:
    """``sha256:`` and the digest of labels and names, empty without labels."""
    if data.labels is None:
        return ""
    digest = hashlib.sha256(repr(data.class_names).encode())
    digest.update(np.ascontiguousarray(data.labels, dtype="<i8").data)
    return f"sha256:{digest.hexdigest()}"


def labels_for_model(
    data: ImageData | VectorData, classes: int, class_names: Sequence[str]
) -> NDArray[np.int64] | None:
    """The data's labels as a conditional model numbers them, which closes up gaps.

    Args:
        data: Of the kind that the model was trained on.
        classes: The model's number of classes.
        class_names: Their names, or empty.

    Returns:
        int64 [n], or None where the data has no labels or one that the model does not know.
    """
    if data.labels is None:
        return None
    present, places = np.unique(data.labels, return_inverse=True)
    numbers = []
    for label in present.tolist():
        name = data.class_names[label] if label < len(data.class_names) else str(label)
        if name in class_names:
            numbers.append(list(class_names).index(name))
        elif not class_names and label < classes:
            numbers.append(label)
        else:
            return None
    return np.array(numbers, dtype=np.int64)[places]
