"""What training needs to know of a data set."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...serve.errors import DropganError
from .options import MAX_SIDE, MIN_SIDE

_MOST_CLASSES = 65536
_CHUNK_BYTES = 16 * 2**20


class DataError(DropganError):
    """Training data that is missing, damaged, or not what it should be."""


@dataclass(frozen=True)
class ImageData:
    """Images in memory, or in a file mapped into memory.

    Attributes:
        images: uint8 [n, height, width, channels], 0 to 255, C-contiguous; may be read-only.
        name: Name of the data set, without directories.
        labels: int64 [n] or None.
        class_names: One name a class, or empty.
    """

    images: NDArray[np.uint8]
    name: str
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse data that no network can be trained on.

        Raises:
            DataError: The images are of another type or shape, too few, or all equal, or the labels
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
        if labels is not None and (labels.shape != (count,) or labels.min() < 0):
            raise DataError(f"{self.name}: needs one label of 0 or more for each of its {count} images")
        if labels is not None and labels.max() >= _MOST_CLASSES:
            raise DataError(
                f"{self.name}: labels number the classes from 0, there are more than {_MOST_CLASSES:,}"
                f" (the largest is {labels.max():,})"
            )

    @property
    def classes(self) -> int:
        """Number of classes, 0 without labels; labels are below it."""
        if self.labels is None:
            return 0
        return max(len(self.class_names), int(self.labels.max()) + 1)

    @cached_property
    def fingerprint(self) -> str:
        """``sha256:`` and the digest of shape and pixels: the same images have the same one."""
        digest = hashlib.sha256(repr(self.images.shape).encode())
        for chunk in chunks(self.images):
            digest.update(np.ascontiguousarray(chunk).data)
        return f"sha256:{digest.hexdigest()}"


def chunks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The images in order, some megabytes at a time, so that they need not fit into memory."""
    rows = max(1, _CHUNK_BYTES // max(1, images[0].nbytes)) if len(images) else 1
    for start in range(0, len(images), rows):
        yield images[start : start + rows]
