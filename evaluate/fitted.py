"""Features for any images: a network that knows them, or one that is fitted to them.

The network that comes with dropgan has seen clothes, and digits without half of the digits look to it like
digits. So it judges the data that it was made for, known by their fingerprint or by the names of their
classes, and other images get a network of the same kind that is fitted to themselves: by their labels, or by
which way up they are. It is kept in the cache under the fingerprint of images and labels.
"""

import hashlib
import re
from contextlib import suppress
from pathlib import Path, PurePath

import numpy as np
import torch
from numpy.typing import NDArray

from dropgan.serve.errors import OutputError
from dropgan.serve.reporter import SILENT, Reporter
from dropgan.train.data import ImageData
from dropgan.train.data.cache import cache_directory, cache_file

from .domain import DomainFacts, DomainNetwork, domain_bytes, load_domain
from .errors import FeatureError
from .features import AUTO, FeatureNetwork, load_features, network_features
from .fit import LABELS, ROTATION, accuracy, fit_features
from .random_features import random_features

_VERSION = 2  # of all that is decided below: other features are other files
_FEWEST = 500  # images that a network is fitted to
_LOOKS = 16_000  # images that it is shown in all: half a minute on two cores at 32x32
_MOST_EPOCHS = 10
_ASIDE, _ASIDE_OF_FEW, _MOST_ASIDE = 0.1, 1 / 3, 1000
_MOST_CLASSES = 1000
_A_CLASS = 20  # images that each class must have, on the average
_BETTER = 1.5  # times as many right as by chance, or the network has learned nothing
_CLOTHES = frozenset(
    f"sha256:{digest}"
    for digest in (
        "8aaff5768b56fabb1e49c80d7f8aebe013b21c6763d909f6e786ed6b47bd37db",  # the embedded 10,000
        "4cb47a6224067d8c4bd6244dd5d0ade6d790330412d7c0890edc88646d9da472",  # the 60,000
        "b169c59a0b5afd34130075c88fbbac32bef96359b2c8dfbb6aa4b4fb858a43c0",  # the test images
    )
)


def features_for(
    data: ImageData, name: str = AUTO, *, device: str = "cpu", reporter: Reporter = SILENT
) -> FeatureNetwork:
    """The feature network that images are judged in.

    Args:
        data: The real images.
        name: ``auto`` for a network that fits them; or as of `load_features`.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: Told while a network is fitted.

    Returns:
        For ``auto``: of clothes the network that comes with dropgan; of at least 500 other images a network
        that is fitted to them, or comes from the cache; of fewer, and of images of which nothing can be
        learned, a fixed network of random weights.

    Raises:
        FeatureError: The network that was named is not available.
    """
    if name != AUTO:
        return load_features(name, device=device)
    if knows(data):
        return load_features(device=device)
    fitted = _kept(data) or _fit(data, reporter) if len(data.images) >= _FEWEST else None
    if fitted is None or not _has_learned(fitted.facts):
        return random_features(data.shape[2])
    named = PurePath(data.name).stem.lower()
    slug = re.sub(r"[^a-z0-9]+", "-", named)[:32].strip("-") or "data"
    return network_features(f"fitted_{slug}", fitted, _about(fitted.facts), device=device)


def set_aside(count: int) -> NDArray[np.int64]:
    """Rows of ``count`` images that features are not fitted to: a tenth, of few a third, at most 1,000."""
    share = _ASIDE if count >= _FEWEST else _ASIDE_OF_FEW
    return np.random.default_rng(0).permutation(count)[: min(_MOST_ASIDE, round(share * count))]


def knows(data: ImageData) -> bool:
    """Whether the network that comes with dropgan was made for such images."""
    network = load_features()
    facts = network.module.facts
    assert isinstance(facts, DomainFacts)
    if data.shape != facts.shape:
        return False
    named = bool(data.class_names) and set(data.class_names) <= set(network.class_names)
    return named or data.fingerprint in _CLOTHES


def _fit(data: ImageData, reporter: Reporter) -> DomainNetwork:
    """A network for the data, shown as many images of small data as of large ones."""
    aside = set_aside(len(data.images))
    rest = np.setdiff1d(np.arange(len(data.images)), aside)
    shown = np.sort(np.random.default_rng(1).permutation(rest)[:_LOOKS])
    epochs = max(1, min(_MOST_EPOCHS, _LOOKS // len(shown)))
    task = LABELS if _labelled(data) else ROTATION
    reporter.say(f"fitting features to {data.name}, once: {epochs * len(shown):,} looks at images")
    unseen = _part(data, np.sort(aside))
    with torch.random.fork_rng(devices=[]):  # which is the caller's
        network = fit_features(_part(data, shown), task=task, epochs=epochs, flip=False, reporter=reporter)
        found = round(accuracy(network, unseen, task), 4)
    facts = network.facts
    network.facts = DomainFacts(facts.shape, facts.classes, _names(data, facts), task, data.name, found)
    with suppress(OutputError), cache_file(_path(data)) as file:
        file.write(domain_bytes(network))
    return network


def _kept(data: ImageData) -> DomainNetwork | None:
    with suppress(FeatureError, OutputError):
        return load_domain(_path(data))
    return None


def _path(data: ImageData) -> Path:
    digest = hashlib.sha256(f"{_VERSION} {data.fingerprint} {data.class_names} {data.class_numbers}".encode())
    if data.labels is not None:
        digest.update(np.ascontiguousarray(data.labels).data)
    return cache_directory() / "features" / f"fitted-{digest.hexdigest()[:32]}.safetensors"


def _labelled(data: ImageData) -> bool:
    """Whether labels are classes that can be learned: two or more, none below 0, each with some images."""
    labels = data.labels
    if labels is None or labels.min() < 0:
        return False
    return 2 <= len(np.unique(labels)) <= len(labels) / _A_CLASS and labels.max() < _MOST_CLASSES


def _names(data: ImageData, facts: DomainFacts) -> tuple[str, ...]:
    """What the classes are called: their names or, without, their numbers."""
    if facts.task != LABELS:
        return ()
    return facts.class_names or tuple(map(str, data.class_numbers or range(facts.classes)))


def _has_learned(facts: DomainFacts) -> bool:
    return facts.accuracy > _BETTER / facts.classes


def _about(facts: DomainFacts) -> str:
    learned = f"its {facts.classes} classes" if facts.task == LABELS else "which way up its images are"
    return f"a network fitted to {facts.data}, by {learned} ({facts.accuracy:.0%} of unseen ones told right)"


def _part(data: ImageData, rows: NDArray[np.int64]) -> ImageData:
    labels = None if data.labels is None else data.labels[rows]
    return ImageData(np.ascontiguousarray(data.images[rows]), data.name, labels, data.class_names)
