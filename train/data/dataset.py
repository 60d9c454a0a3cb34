"""What training needs to know of a data set."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...serve.errors import DropganError


class DataError(DropganError):
    """Training data that is missing, damaged, or not what it should be."""


@dataclass(frozen=True)
class ImageData:
    """Images in memory.

    Attributes:
        images: uint8 [n, height, width, channels], 0 to 255, C-contiguous.
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
        if not (4 <= height <= 512 and 4 <= width <= 512):
            raise DataError(
                f"{self.name}: images must be 4 to 512 pixels high and wide, not {height}x{width}"
            )
        if (images == images[0]).all():
            raise DataError(f"{self.name}: all {count} images are the same")
        if labels is not None and (labels.shape != (count,) or labels.min() < 0):
            raise DataError(f"{self.name}: needs one label of 0 or more for each of its {count} images")

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
        digest.update(np.ascontiguousarray(self.images).data)
        return f"sha256:{digest.hexdigest()}"
