"""Features of real images, kept on disk: they are the same for every model that is scored."""

from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from dropgan.serve.atomic import write_bytes
from dropgan.serve.errors import OutputError
from dropgan.train.data import ImageData
from dropgan.train.data.cache import cache_directory

from .features import FeatureNetwork, Features, Progress


def reference_features(
    network: FeatureNetwork, data: ImageData, progress: Progress | None = None
) -> Features:
    """The features of all images of ``data``, from the cache where they are there.

    The cache's key is made of both fingerprints, so it cannot be stale; a damaged file is made anew,
    and where nothing can be written the features are simply not kept.

    Raises:
        FeatureError: The network is not for images of this shape.
    """
    path = _path(network, data)
    try:
        kept = load_file(path)
        features = Features(kept["vectors"], kept["logits"])
        if len(features.vectors) == len(features.logits) == len(data.images):
            return features
    except (OSError, SafetensorError, KeyError):
        pass
    features = network(data.images, progress)
    with suppress(OutputError):
        write_bytes(path, save({"vectors": features.vectors, "logits": features.logits}))
    return features


def _path(network: FeatureNetwork, data: ImageData) -> Path:
    key = (
        f"{network.fingerprint.removeprefix('sha256:')[:16]}-{data.fingerprint.removeprefix('sha256:')[:16]}"
    )
    return cache_directory() / "features" / f"{key}.safetensors"
