"""Choose features for any images: a network that knows them, or one that is fitted to them.

The network that comes with dropgan was trained on clothes, and to it digits with half of the digits missing
still look like digits. It is therefore used only for the data that it was made for, recognised by their
fingerprint or by the names of their classes. For other images, a network of the same kind is fitted to them,
by their labels or by recognising rotations. It is cached under the fingerprint of images and labels.
"""

import re
from pathlib import PurePath

from dropgan.serve.reporter import SILENT, Reporter
from dropgan.train.data import ImageData
from dropgan.train.features.domain import DomainFacts
from dropgan.train.features.kept import about_fitted, fitted_features, labels_or_rotation

from .features import AUTO, FeatureNetwork, load_features, network_features
from .random_features import random_features

_CLOTHES = frozenset(
    f"sha256:{digest}"
    for digest in (
        "8aaff5768b56fabb1e49c80d7f8aebe013b21c6763d909f6e786ed6b47bd37db",  # the embedded 10,000
        "4cb47a6224067d8c4bd6244dd5d0ade6d790330412d7c0890edc88646d9da472",  # the 60,000
        "b169c59a0b5afd34130075c88fbbac32bef96359b2c8dfbb6aa4b4fb858a43c0",  # the test images
    )
)


def features_for(
    data: ImageData,
    name: str = AUTO,
    *,
    seen: str = "",
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> FeatureNetwork:
    """Return the feature network in which images are compared.

    Args:
        data: The real images.
        name: ``auto`` for a network that fits them, or a name as for `load_features`.
        seen: Fingerprint of features that training used, in which scores would flatter the model
            (Kynkäänniemi et al., "The role of ImageNet classes in Fréchet inception distance", ICLR 2023):
            ``auto`` skips them.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        reporter: Receives progress of the fit.

    Returns:
        For ``auto``: for clothes, the network that comes with dropgan; for at least 500 other images, a
        network fitted to them, perhaps from the cache; for fewer images, and for those of which nothing
        can be learned, a fixed network with random weights.

    Raises:
        FeatureError: The named network is not available.
    """
    if name != AUTO:
        return load_features(name, device=device)
    if knows(data) and load_features().fingerprint != seen:
        return load_features(device=device)
    fitted = fitted_features(data, labels_or_rotation(data), reporter=reporter)
    if fitted is not None:
        named = PurePath(data.name).stem.lower()
        slug = re.sub(r"[^a-z0-9]+", "-", named)[:32].strip("-") or "data"
        network = network_features(f"fitted_{slug}", fitted, about_fitted(fitted.facts), device=device)
        if network.fingerprint != seen:
            return network
    return random_features(data.shape[2])


def knows(data: ImageData) -> bool:
    """Return True if the network that comes with dropgan was made for these images."""
    network = load_features()
    facts = network.module.facts
    assert isinstance(facts, DomainFacts)
    if data.shape != facts.shape:
        return False
    named = bool(data.class_names) and set(data.class_names) <= set(network.class_names)
    return named or data.fingerprint in _CLOTHES
