"""The interface of data sets, and data sets of images."""

import dataclasses
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.errors import DropganError

from .options import MAX_SIDE, MIN_SIDE
from .origins import Origins

_Number = TypeVar("_Number", bound=np.generic)
_Data = TypeVar("_Data", bound="TrainingData")
_MOST_CLASSES = 65536
_CHUNK_BYTES = 16 * 2**20


class DataError(DropganError):
    """Training data is missing, damaged, or unsuitable."""


class SizeNeededError(DataError):
    """Pictures can be trained on only if a size is given."""


class TrainingData(ABC):
    """Samples to train on, of one kind, with their metadata. Every kind is a frozen dataclass.

    Attributes:
        kind: Name of the kind, as in a model's card.
        resizable: True if samples have a size and colours that reading can change.
        limited: True if ``--size`` is the largest size of a sample, and larger ones are left out.
        texts: Names of the fields that hold names.
        name: Name of the data set, without directories.
        labels: int64 [n] or None.
        class_names: One name for each class, or empty.
        class_numbers: The data's own number of each class, if `with_classes` has closed gaps
            between them; otherwise empty.
        class_column: The table's column that held the labels, or empty.
    """

    kind: ClassVar[str]
    resizable: ClassVar[bool] = False
    limited: ClassVar[bool] = False
    texts: ClassVar[tuple[str, ...]] = ("name", "class_names")
    name: str
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    class_numbers: tuple[int, ...]
    class_column: str = ""

    def __len__(self) -> int:
        return len(self.samples)

    @property
    @abstractmethod
    def samples(self) -> NDArray[Any]:
        """All samples [n, ...]."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.samples.shape[1:]

    @property
    def classes(self) -> int:
        """Number of classes, 0 without labels; labels are below it."""
        return class_count(self.labels, self.class_names)

    @cached_property
    @abstractmethod
    def fingerprint(self) -> str:
        """Return ``sha256:`` and the digest of shape and values. Equal samples have equal fingerprints."""

    def drawn(self, count: int) -> Self:
        """Return some of the samples, drawn at random and in their original order.

        The same data always give the same samples. A smaller draw is a subset of a larger one, so runs on
        more data also see the samples of runs on less.

        Raises:
            DataError: There are fewer than ``count``.
        """
        if count > len(self):
            raise DataError(
                f"{self.name} has {len(self):,} samples: --limit must be at most that, not {count:,}"
            )
        # numpy keeps the bits of a generator for ever, but not what permutation makes of them
        rows = np.sort(np.argsort(np.random.PCG64(0).random_raw(len(self)), kind="stable")[:count])
        (field,) = (
            one.name for one in dataclasses.fields(cast(Any, self)) if getattr(self, one.name) is self.samples
        )
        labels = None if self.labels is None else self.labels[rows]
        return self.changed(**{field: np.ascontiguousarray(self.samples[rows]), "labels": labels})

    def changed(self, **fields: Any) -> Self:
        """Return the same data with some fields changed."""
        changed: Self = dataclasses.replace(cast(Any, self), **fields)
        return changed


@dataclass(frozen=True)
class ImageData(TrainingData):
    """Images in memory, or in a file mapped into memory.

    Attributes:
        images: uint8 [n, height, width, channels], 0 to 255, C-contiguous; may be read-only.
        name: Name of the data set, without directories.
        labels: int64 [n] or None.
        class_names: One name for each class, or empty.
        class_numbers: The data's own number of each class, if `with_classes` has closed gaps
            between them; otherwise empty.
        origins: Facts about the pictures before resizing, if the images were read from pictures.
    """

    images: NDArray[np.uint8]
    name: str
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    class_numbers: tuple[int, ...] = ()
    origins: Origins | None = None

    kind: ClassVar[str] = "images"
    resizable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse data that no network can be trained on.

        Raises:
            DataError: The images have another type or shape, are too few or all equal, or the labels
                do not fit them.
        """
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4:
            raise DataError(
                f"{self.name}: images must be uint8 of shape [n, height, width, channels],"
                f" not {images.dtype} of shape {list(images.shape)}"
            )
        count, height, width, channels = images.shape
        if count < 2:
            raise DataError(f"{self.name}: {count} image(s) found, training needs at least 2")
        if channels not in (1, 3):
            raise DataError(f"{self.name}: images must have 1 or 3 channels, not {channels}")
        if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
            raise DataError(
                f"{self.name}: images must be {MIN_SIDE} to {MAX_SIDE} pixels high and wide,"
                f" not {height}x{width}: --size S makes them S pixels"
            )
        if all((chunk == images[0]).all() for chunk in chunks(images)):
            raise DataError(f"{self.name}: all {count} images are the same")
        check_labels(self.name, count, labels, "images")

    @property
    def samples(self) -> NDArray[np.uint8]:
        """The images."""
        return self.images

    @cached_property
    def fingerprint(self) -> str:
        """``sha256:`` and the digest of shape and pixels. Equal images have equal fingerprints."""
        return image_fingerprint(self.images)


def require_kind(data: TrainingData, wanted: type[_Data], what: str = "") -> _Data:
    """Return the data if they are of one kind.

    Raises:
        DataError: They are of another kind. The message names what is needed (``what``, or the kind).
    """
    if not isinstance(data, wanted):
        raise DataError(f"{data.name} holds {data.kind} where {what or wanted.kind} are needed")
    return data


def image_fingerprint(images: NDArray[np.uint8]) -> str:
    """See `ImageData.fingerprint`."""
    digest = hashlib.sha256(repr(images.shape).encode())
    for chunk in chunks(images):
        digest.update(np.ascontiguousarray(chunk).data)
    return f"sha256:{digest.hexdigest()}"


def chunks(samples: NDArray[_Number]) -> Iterator[NDArray[_Number]]:
    """Yield the samples in order, some megabytes at a time, so that they need not fit into memory."""
    rows = max(1, _CHUNK_BYTES // max(1, samples[0].nbytes)) if len(samples) else 1
    for start in range(0, len(samples), rows):
        yield samples[start : start + rows]


def check_labels(name: str, count: int, labels: NDArray[np.int64] | None, what: str) -> None:
    """Refuse labels unless there is one for each sample.

    Raises:
        DataError: There are more or fewer labels.
    """
    if labels is not None and labels.shape != (count,):
        raise DataError(f"{name}: needs one label for each of its {count:,} {what}, not {len(labels):,}")


def require_class_labels(name: str, labels: NDArray[np.int64]) -> None:
    """Refuse labels that cannot be class numbers. Only conditional models need this.

    Raises:
        DataError: Some are negative (such as -1 for samples without a label) or far too large.
    """
    if labels.min() < 0:
        raise DataError(
            f"{name}: {(labels < 0).sum():,} samples have a label below 0 (the least is {labels.min()}),"
            " which is not a class: leave them out, or train without --conditional"
        )
    if labels.max() >= _MOST_CLASSES:
        raise DataError(
            f"{name}: labels number the classes from 0, there are more than {_MOST_CLASSES:,}"
            f" (the largest is {labels.max():,})"
        )


def class_count(labels: NDArray[np.int64] | None, class_names: tuple[str, ...]) -> int:
    """Return the number of classes; 0 without labels."""
    return 0 if labels is None else max(len(class_names), int(labels.max()) + 1)
