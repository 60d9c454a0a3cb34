"""The domain features: a small Fashion-MNIST classifier that comes with dropgan.

A Fréchet distance in its features is no FID, which is defined by Inception's: it is called by the
name of its features. `dropgan.evaluate.fit_domain` trained it.
"""

import hashlib
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..serve.errors import DropganError

NUM_FEATURES = 64
_WEIGHTS = Path(__file__).parent / "domain.safetensors"
_CLASSES = 10
_SIZE = 28


class FeatureError(DropganError):
    """Images that the feature network cannot look at."""


class DomainNetwork(nn.Module):
    """Five convolutions and a linear head; the pooled last activations are the features.

    Attributes:
        num_features: Length of a feature vector.
    """

    num_features = NUM_FEATURES

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(1, 32, kernel=5, stride=2),  # 28 -> 14
            *_block(32, 64),
            nn.MaxPool2d(2),  # 14 -> 7
            *_block(64, 96),
            *_block(96, 96),
            *_block(96, NUM_FEATURES),
        )
        self.head = nn.Linear(NUM_FEATURES, _CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Features float32 [n, 64] of images uint8 [n, 28, 28, 1].

        Raises:
            FeatureError: The images have another shape or type.
        """
        if images.dtype != torch.uint8 or images.shape[1:] != (_SIZE, _SIZE, 1):
            raise FeatureError(
                f"domain features are for 28x28 grey images, not {list(images.shape[1:])} {images.dtype}"
            )
        pixels = images.permute(0, 3, 1, 2).float().div(255)
        features: Tensor = self.body(pixels).mean(dim=(2, 3))
        return features

    def logits(self, images: Tensor) -> Tensor:
        """Class logits float32 [n, 10] of images uint8 [n, 28, 28, 1]."""
        logits: Tensor = self.head(self(images))
        return logits


def _block(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


@cache
def domain_network() -> DomainNetwork:
    """The network that comes with dropgan, in eval mode, on the CPU."""
    network = DomainNetwork()
    network.load_state_dict(load_file(_WEIGHTS))
    return network.requires_grad_(False).eval()


@cache
def domain_fingerprint() -> str:
    """``sha256:`` and the digest of the weights: scores compare only where it is equal."""
    return f"sha256:{hashlib.sha256(_WEIGHTS.read_bytes()).hexdigest()}"
