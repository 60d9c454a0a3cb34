"""Feature networks, in whose features images are compared."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dropgan.serve.reporter import SILENT, Progress, Reporter
from dropgan.train.features.domain import (
    BUILT_IN,
    DomainNetwork,
    about_domain,
    load_domain,
    weights_fingerprint,
)

from .inception import load_inception

AUTO, DOMAIN, INCEPTION = "auto", "domain", "inception"
_BATCH = 250


@dataclass(frozen=True)
class Features:
    """A network's features of n images."""

    vectors: NDArray[np.float32]
    """[n, d], the activations that distances are taken in."""
    logits: NDArray[np.float32]
    """[n, classes], before the softmax."""

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> "Features":
        return Features(self.vectors[rows], self.logits[rows])


@dataclass(frozen=True)
class FeatureNetwork:
    """A network that computes `Features` of images."""

    name: str
    """``domain``, ``inception``, ``random``, ``fitted_`` and the name of the data, or that of the file."""
    fingerprint: str
    """``sha256:`` and the digest of the weights: scores compare only where it is equal."""
    module: nn.Module
    """uint8 [n, height, width, channels] to features and logits, in eval mode."""
    class_names: tuple[str, ...] = ()
    """Names of the classes of its logits, or empty."""
    knows_classes: bool = True
    """True if the logits are of classes that the images have; if not, no Inception Score and no
    counts of classes are made of them."""
    device: str = "cpu"
    """Device of the module."""
    about: str = ""
    """Description of the features."""

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse images (height, width, channels) that the network does not accept. Most accept any.

        Raises:
            FeatureError: The network does not accept this shape.
        """
        if isinstance(self.module, DomainNetwork):
            self.module.require_shape(shape)

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8], reporter: Reporter = SILENT) -> Features:
        """Compute features of images uint8 [n, height, width, channels], n at least 1.

        Raises:
            FeatureError: The network is not for images of this shape.
        """
        vectors, logits = [], []
        for first in range(0, len(images), _BATCH):
            part = np.array(images[first : first + _BATCH])  # a copy: torch wants to own what it reads
            some, scores = self.module(torch.from_numpy(part).to(self.device))
            vectors.append(some.float().cpu().numpy())
            logits.append(scores.float().cpu().numpy())
            done = first + len(part)
            reporter.progress(Progress("looking at images", done, len(images), "images"))
        return Features(np.concatenate(vectors), np.concatenate(logits))


def load_features(
    name: str = DOMAIN, *, inception_weights: Path | None = None, device: str = "cpu"
) -> FeatureNetwork:
    """Load a feature network by its name.

    Args:
        name: ``domain`` (comes with dropgan, for 28x28 grey images of fashion), ``inception``, or a
            file written by `dropgan.evaluate.fit_features`.
        inception_weights: File with Inception's standard weights; None downloads them.
        device: ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        FeatureError: The network is not available. Another one is never used in its place.
    """
    if name == INCEPTION:
        module, fingerprint = load_inception(inception_weights)
        return FeatureNetwork(
            name,
            fingerprint,
            module.to(device),
            class_names=(),
            knows_classes=True,
            device=device,
            about="Inception's network of 2015, which defines FID",
        )
    path = BUILT_IN if name == DOMAIN else Path(name)
    return _load_file(name if name == DOMAIN else path.stem, path, device)


@cache
def _load_file(name: str, path: Path, device: str) -> FeatureNetwork:
    network = load_domain(path)
    return network_features(name, network, about_domain(path, network), device=device)


def network_features(name: str, network: DomainNetwork, about: str, *, device: str) -> FeatureNetwork:
    """Return a fitted network in the form that scores need."""
    return FeatureNetwork(
        name,
        weights_fingerprint(network),
        network.to(device),
        class_names=network.facts.class_names,
        knows_classes=network.facts.task == "labels",
        device=device,
        about=about,
    )
