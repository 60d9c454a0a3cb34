"""Cached features of real images, which are the same for every model."""

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from dropgan.serve.errors import OutputError
from dropgan.serve.reporter import SILENT, Reporter
from dropgan.train.data import ImageData
from dropgan.train.data.cache import cache_directory, cache_file

from .features import FeatureNetwork, Features


def reference_features(network: FeatureNetwork, data: ImageData, reporter: Reporter = SILENT) -> Features:
    """Return the features of all images of ``data``, from the cache if possible.

    The cache's key contains both fingerprints, so it cannot be stale. A damaged file, recognised by its
    digest, is made again. If nothing can be written, the features are not cached.

    Raises:
        FeatureError: The network is not for images of this shape.
    """
    path = _path(network, data)
    with suppress(OSError, SafetensorError, KeyError):
        kept = load_file(path)
        features = Features(kept["vectors"], kept["logits"])
        if kept["sha256"].tobytes() == _digest(features):
            return features
    features = network(data.images, reporter)
    content = save(
        {
            "vectors": features.vectors,
            "logits": features.logits,
            "sha256": np.frombuffer(_digest(features), np.uint8),
        }
    )
    with suppress(OutputError), cache_file(path) as file:
        file.write(content)
    return features


def _digest(features: Features) -> bytes:
    digest = hashlib.sha256()
    for array in (features.vectors, features.logits):
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _path(network: FeatureNetwork, data: ImageData) -> Path:
    key = (
        f"{network.fingerprint.removeprefix('sha256:')[:16]}-{data.fingerprint.removeprefix('sha256:')[:16]}"
    )
    return cache_directory() / "features" / f"{key}.safetensors"
