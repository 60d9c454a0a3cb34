"""Features fitted to images once and cached under the fingerprint of images and labels."""

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dropgan.serve.errors import OutputError
from dropgan.serve.reporter import SILENT, Reporter

from ..data import ImageData
from ..data.cache import cache_directory, cache_file
from .domain import DomainFacts, DomainNetwork, domain_bytes, load_domain
from .errors import FeatureError
from .fit import LABELS, ROTATION, accuracy, fit_features

FEWEST = 500
"""Smallest number of images to which a network is fitted."""
_VERSION = 2  # of all that is decided below: other features are other files
_LOOKS = 16_000  # images that it is shown in all: half a minute on two cores at 32x32
_MOST_EPOCHS = 10
_ASIDE, _ASIDE_OF_FEW, _MOST_ASIDE = 0.1, 1 / 3, 1000
_MOST_CLASSES = 1000
_A_CLASS = 20  # images that each class must have, on the average
_BETTER = 1.5  # times as many right as by chance, or the network has learned nothing


def fitted_features(
    data: ImageData, task: str, *, seed: int = 0, reporter: Reporter = SILENT
) -> DomainNetwork | None:
    """Return a network fitted to images, from the cache if possible.

    Args:
        data: The images.
        task: As for `fit_features`.
        seed: Seed of the network. Another seed gives other features.
        reporter: Receives progress of the fit.

    Returns:
        The network, with its accuracy on held-out images in its facts. None if there are fewer than
        `FEWEST` images, or if it learned nothing from them.
    """
    if len(data.images) < FEWEST:
        return None
    path = _path(data, task, seed)
    network = _kept(path) or _fit(data, task, seed, path, reporter)
    return network if network.facts.accuracy > _BETTER / network.facts.classes else None


def labels_or_rotation(data: ImageData) -> str:
    """Return the task for images: their labels, or else rotations.

    Labels are used if they are two or more learnable classes, none below 0, each with some images.
    """
    labels = data.labels
    if labels is None or labels.min() < 0:
        return ROTATION
    learned = 2 <= len(np.unique(labels)) <= len(labels) / _A_CLASS and labels.max() < _MOST_CLASSES
    return LABELS if learned else ROTATION


def set_aside(count: int) -> NDArray[np.int64]:
    """Return rows of ``count`` images to hold out of the fit: a tenth, of few a third, at most 1,000."""
    share = _ASIDE if count >= FEWEST else _ASIDE_OF_FEW
    return np.random.default_rng(0).permutation(count)[: min(_MOST_ASIDE, round(share * count))]


def about_fitted(facts: DomainFacts) -> str:
    """Return text that names fitted features."""
    learned = f"its {facts.classes} classes" if facts.task == LABELS else "which way up its images are"
    return f"a network fitted to {facts.data}, by {learned} ({facts.accuracy:.0%} of unseen ones told right)"


def _fit(data: ImageData, task: str, seed: int, path: Path, reporter: Reporter) -> DomainNetwork:
    """Fit a network, with as many training images shown for a small data set as for a large one."""
    aside = set_aside(len(data.images))
    rest = np.setdiff1d(np.arange(len(data.images)), aside)
    shown = np.sort(np.random.default_rng(1).permutation(rest)[:_LOOKS])
    epochs = max(1, min(_MOST_EPOCHS, _LOOKS // len(shown)))
    reporter.say(f"fitting features to {data.name}, once: {epochs * len(shown):,} training examples")
    unseen = _part(data, np.sort(aside))
    with torch.random.fork_rng(devices=[]):  # which is the caller's
        network = fit_features(
            _part(data, shown), task=task, epochs=epochs, flip=False, seed=seed, reporter=reporter
        )
        found = round(accuracy(network, unseen, task), 4)
    facts = network.facts
    network.facts = DomainFacts(facts.shape, facts.classes, _names(data, facts), task, data.name, found)
    with suppress(OutputError), cache_file(path) as file:
        file.write(domain_bytes(network))
    return network


def _kept(path: Path) -> DomainNetwork | None:
    with suppress(FeatureError, OutputError):
        return load_domain(path)
    return None


def _path(data: ImageData, task: str, seed: int) -> Path:
    text = f"{_VERSION} {data.fingerprint} {data.class_names} {data.class_numbers}"
    digest = hashlib.sha256((text if not seed else f"{text} {task} {seed}").encode())
    if data.labels is not None:
        digest.update(np.ascontiguousarray(data.labels).data)
    return cache_directory() / "features" / f"fitted-{digest.hexdigest()[:32]}.safetensors"


def _names(data: ImageData, facts: DomainFacts) -> tuple[str, ...]:
    """Return the names of the classes or, without names, their numbers."""
    if facts.task != LABELS:
        return ()
    return facts.class_names or tuple(map(str, data.class_numbers or range(facts.classes)))


def _part(data: ImageData, rows: NDArray[np.int64]) -> ImageData:
    labels = None if data.labels is None else data.labels[rows]
    return ImageData(np.ascontiguousarray(data.images[rows]), data.name, labels, data.class_names)
