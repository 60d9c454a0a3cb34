"""Inception's features, in which FID, KID and IS are defined.

The network and its weights are torch-fidelity's, ported from TensorFlow's of 2015. Other weights would give
other numbers, so they are never used instead.
"""

import hashlib
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dropgan.serve.ordinary import open_ordinary
from dropgan.train.data.cache import cache_directory, cache_file
from dropgan.train.features.errors import FeatureError

WEIGHTS_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
_NAME = "weights-inception-2015-12-05-6726825d.pth"
_ADDRESS = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{_NAME}"


class InceptionFeatures(nn.Module):
    """Pooled activations [n, 2048], and the logits [n, 1008] without bias for IS."""

    def __init__(self, extractor: Any) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images uint8 [n, height, width, 1 or 3]; grey ones become three equal channels."""
        pixels = images.permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
        features, logits = self.extractor(pixels)
        return features, logits


def load_inception(weights: Path | None = None) -> tuple[nn.Module, str]:
    """Return the network in eval mode, and the fingerprint of its weights.

    Args:
        weights: torch-fidelity's file of weights; None uses the cache or downloads it.

    Raises:
        FeatureError: torch-fidelity is not installed, or the weights cannot be downloaded or differ.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3  # pyright: ignore[reportMissingImports]
    except (ImportError, RuntimeError) as error:
        raise FeatureError(
            f"inception features need torch-fidelity and torchvision ({error}): install them with pip"
            " install 'dropgan[inception]', or score in --features domain"
        ) from error
    path = weights or _standard_weights()
    try:
        with open_ordinary(path) as file:
            content = file.read()
    except OSError as error:
        raise FeatureError(f"cannot read {path}: {error.strerror or error}") from error
    _require_standard(content, str(path))
    extractor = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(path)
    )
    return InceptionFeatures(extractor).requires_grad_(False).eval(), f"sha256:{WEIGHTS_SHA256}"


def _require_standard(content: bytes, where: str) -> None:
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise FeatureError(
            f"{where} are not the standard weights of Inception (SHA-256 differs): a score with them"
            f" would not be FID; the file is {_ADDRESS}"
        )


def _standard_weights() -> Path:
    path = cache_directory() / _NAME
    with suppress(OSError, FeatureError):  # absent, or damaged since it was downloaded
        _require_standard(path.read_bytes(), str(path))
        return path
    other = Path(torch.hub.get_dir()) / "checkpoints" / _NAME
    if other.is_file():
        return other
    try:
        with urllib.request.urlopen(_ADDRESS, timeout=60) as answer:
            content = answer.read()
    except (urllib.error.URLError, OSError) as error:
        raise FeatureError(
            f"cannot download the weights of Inception ({getattr(error, 'reason', error)}): give"
            f" {_NAME} of {_ADDRESS} with --inception-weights, or score in --features domain"
        ) from error
    _require_standard(content, _ADDRESS)
    with cache_file(path) as file:
        file.write(content)
    return path
