"""Features of a fixed network with random weights, for images that no available network knows.

Random convolutions with a nonlinearity and pooling already distinguish edges, texture and layout (Jarrett et
al., "What is the best multi-stage architecture for object recognition?", ICCV 2009; Saxe et al., "On random
weights and unsupervised feature learning", ICML 2011). They do not know objects: distances in them rank the
checkpoints of one run, but do not measure quality.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from dropgan.serve.latents import LatentStream
from dropgan.train.features.domain import weights_fingerprint

from .features import FeatureNetwork

RANDOM = "random"
_SEED = 0
_MAX_SIDE = 64
_WIDTHS = (32, 64, 64)


class RandomNetwork(nn.Module):
    """Three convolutions; the channel means of the first and the last one are the features."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inputs = (channels, *_WIDTHS)
        layers = [
            nn.Conv2d(inputs[place], width, 3, stride=2, padding=1, bias=False)
            for place, width in enumerate(_WIDTHS)
        ]
        self.layers = nn.ModuleList(layers)
        for number, layer in enumerate(layers):
            weight = layer.weight
            count = weight[0].numel()  # normal numbers that are the same with any version of anything
            normal = torch.from_numpy(LatentStream(count)(len(weight), seed=_SEED, start=number * 1000))
            with torch.no_grad():
                weight.copy_(normal.view_as(weight) * math.sqrt(2 / count))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map uint8 [n, height, width, channels] to features float32 [n, 96] and empty logits [n, 0]."""
        pixels = images.permute(0, 3, 1, 2).float().div(127.5).sub(1)
        if max(pixels.shape[2:]) > _MAX_SIDE:
            scale = _MAX_SIDE / max(pixels.shape[2:])
            size = [max(1, round(side * scale)) for side in pixels.shape[2:]]
            pixels = interpolate(pixels, size=size, mode="bilinear", antialias=True)
        means = []
        for layer in self.layers:
            pixels = leaky_relu(layer(pixels), 0.2)
            means.append(pixels.mean(dim=(2, 3)))
        return torch.cat((means[0], means[-1]), 1), pixels.new_zeros(len(images), 0)


def random_features(channels: int) -> FeatureNetwork:
    """Return the network in the form that scores need, for images with 1 or 3 channels."""
    network = RandomNetwork(channels).requires_grad_(False).eval()
    about = "a fixed network of random weights, which knows no objects"
    return FeatureNetwork(RANDOM, weights_fingerprint(network), network, knows_classes=False, about=about)
