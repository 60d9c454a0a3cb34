"""Faults of images, each in three grades from hardly visible to gross."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Pixels = NDArray[np.uint8]


def faults(images: Pixels, labels: NDArray[np.int64], draw: int) -> Iterator[tuple[str, int, Pixels]]:
    """Kind and grade, from 1, of images with a fault; grade 0 are the images themselves."""
    random = np.random.default_rng(draw)
    count = len(images)

    def clipped(values: NDArray[Any]) -> Pixels:
        return np.clip(np.round(values), 0, 255).astype(np.uint8)

    def blurred(radius: float) -> Pixels:
        mode = "L" if images.shape[3] == 1 else "RGB"
        squeezed = images[..., 0] if mode == "L" else images
        soft = [np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(radius))) for one in squeezed]
        return np.stack(soft).reshape(images.shape)

    def replaced(share: float, other: Pixels) -> Pixels:
        return np.where((random.random(count) < share)[:, None, None, None], other, images)

    height, width = images.shape[1:3]
    top, left = images[:, : height // 2], images[:, :, : width // 2]
    swapped = np.concatenate((images[:, height // 2 :], top), 1)
    blends = clipped(images.astype(float) / 2 + np.roll(images, 1, 0) / 2.0)
    halves = np.concatenate((left, np.roll(images, 1, 0)[:, :, width // 2 :]), 2)
    ladders: dict[str, tuple[Callable[[Any], Pixels], tuple[Any, ...]]] = {
        "blur": (blurred, (0.4, 0.7, 1.2)),
        "noise": (lambda levels: clipped(images + random.normal(0, levels, images.shape)), (4, 10, 25)),
        "salt": (
            lambda share: np.where(random.random((*images.shape[:3], 1)) < share, np.uint8(255), images),
            (0.003, 0.01, 0.03),
        ),
        "contrast": (lambda share: clipped(128 + share * (images - 128.0)), (0.95, 0.85, 0.7)),
        "classes missing": (lambda most: images[labels >= most], (1, 3, 5)),
        "repeats": (lambda kinds: images[random.integers(0, min(kinds, count), count)], (1000, 300, 50)),
        "two in one": (lambda share: replaced(share, blends), (0.05, 0.15, 0.4)),
        "halves exchanged": (lambda share: replaced(share, halves), (0.05, 0.15, 0.4)),
        "top below": (lambda share: replaced(share, swapped), (0.05, 0.15, 0.4)),
    }
    if images.shape[3] == 3:
        ladders["less green"] = (
            lambda share: clipped(images * np.array([1, share, 1])),
            (0.95, 0.85, 0.7),
        )
    for kind, (make, grades) in ladders.items():
        for place, grade in enumerate(grades):
            yield kind, place + 1, make(grade)
