"""Properties of samples that need no comparison of distributions: sharpness and classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .features import FeatureNetwork, Features

_CHUNK = 500
_BETTER = 1.5  # times as many right as by chance


@dataclass(frozen=True)
class ClassShare:
    """How often a class occurs, as the feature network classifies."""

    name: str
    generated: float
    """Share of the samples, 0 to 1."""
    real: float
    """Share of the real images, by the same network."""
    absent: float = 0.0
    """Share of real images of other classes that the network takes for this one, 0 where that is not known:
    what ``generated`` would be if the class never occurred."""


def class_shares(
    network: FeatureNetwork, samples: Features, reals: Features, labels: NDArray[np.int64] | None = None
) -> tuple[ClassShare, ...]:
    """Return the shares of the network's classes among samples and real images.

    The result is empty if the network knows no classes, or too many for each of them to occur.

    Args:
        network: The feature network.
        samples: Features of the samples.
        reals: Features of real images.
        labels: int64 [n], the places of the real images' classes among those of the network, for those
            that say what it confuses, and -1 for the others; None if they are not known.
    """
    classes = samples.logits.shape[1]
    if not network.class_names and (not network.knows_classes or classes > 100):
        return ()
    generated, real = (
        np.bincount(some.logits.argmax(1), minlength=classes) / len(some) for some in (samples, reals)
    )
    names = network.class_names or tuple(f"class {index}" for index in range(classes))
    absent = np.zeros(classes) if labels is None else _confused(reals.logits.argmax(1), labels, classes)
    return tuple(
        ClassShare(name, *map(float, shares))
        for name, *shares in zip(names, generated, real, absent, strict=True)
    )


def _confused(seen: NDArray[np.int64], labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return, for each class, the share of known images of other classes that are classified as it."""
    known = labelled(seen, labels, classes)
    if known is None:
        return np.zeros(classes)
    seen, labels = known
    own, right = (np.bincount(some, minlength=classes) for some in (labels, labels[seen == labels]))
    wrong = np.bincount(seen, minlength=classes) - right
    shares: NDArray[np.float64] = wrong / np.maximum(len(labels) - own, 1)
    return shares


def labelled(
    seen: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return what images with a label are classified as, and their labels; None if there are no such
    images, or the labels are of other classes than the network's.

    Args:
        seen: int64 [n], what the images are classified as.
        labels: int64 [n], and -1 for images without one.
        classes: Number of the network's classes.
    """
    seen, labels = seen[labels >= 0], labels[labels >= 0]
    return (seen, labels) if len(labels) and (seen == labels).mean() >= _BETTER / classes else None


def sharpness(samples: NDArray[np.uint8], reals: NDArray[np.uint8]) -> float:
    """Return the mean difference of neighbouring pixels, divided by that of real images.

    It is below 1 for blurred samples and above 1 for noisy ones.

    Args:
        samples: uint8 [n, h, w, c].
        reals: uint8 [m, h, w, c].
    """
    return _variation(samples) / max(_variation(reals), 1e-9)


def checkerboard(samples: NDArray[np.uint8], reals: NDArray[np.uint8]) -> float:
    """Return the energy at the highest frequency (a period of two pixels both ways), divided by that of real
    images.

    Strided and sub-pixel convolutions can leave a checkerboard of this period, for which the value is far
    above 1.

    Args:
        samples: uint8 [n, h, w, c].
        reals: uint8 [m, h, w, c], of the same size.
    """
    return _highest_frequency(samples) / max(_highest_frequency(reals), 1e-9)


def _highest_frequency(images: NDArray[np.uint8]) -> float:
    board = (-1.0) ** np.add.outer(*(np.arange(side) for side in images.shape[1:3]))
    amplitudes = np.einsum("nhwc,hw->nc", images, board)
    return float(np.square(amplitudes).mean())


def _variation(images: NDArray[np.uint8]) -> float:
    total = 0.0
    for first in range(0, len(images), _CHUNK):
        part = images[first : first + _CHUNK].astype(np.int16)
        total += float(np.abs(np.diff(part, axis=1)).mean() + np.abs(np.diff(part, axis=2)).mean()) * len(
            part
        )
    return total / len(images)
