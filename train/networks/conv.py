"""Architecture ``conv``: convolutions that each double or halve the resolution."""

import itertools
import math
from collections.abc import Iterator
from typing import Literal

from torch import Tensor, nn

from .grid import channels_last, cropped, padded, pyramid
from .interface import Architecture, Design, DiscriminatorNetwork, GeneratorNetwork
from .labels import LatentInput, LogitHead
from .layers import after_layer, dense_layers, initialise
from .settings import (
    ConvolutionDiscriminatorSettings,
    ConvolutionGeneratorSettings,
    Stem,
)
from .spec import SampleSpec
from .strided import strided_body, strided_layers
from .tanh import tanh


class ConvGeneratorSettings(ConvolutionGeneratorSettings):
    diagonals: Literal["all", "grey", "none"] = "all"
    """Which images may have diagonals in their blocks of 2x2 pixels, of which a checkerboard is made: all,
    grey ones, or none. Without one, the two diagonals of a block have equal sums before tanh."""


class ConvDiscriminatorSettings(ConvolutionDiscriminatorSettings):
    stem: Stem = 0
    """Channels of a 3x3 convolution at full resolution, before the strided ones: a number, 0 for none, or
    auto, which is 8 and in colour 16."""


def without_diagonals(values: Tensor) -> Tensor:
    """Return rows of weights or biases, [4 * channels, ...], made for blocks of 2x2 pixels, without the
    diagonal component of each block, its finest wavelet (Haar's HH).
    """
    blocks = values.unflatten(0, (-1, 4))
    signs = values.new_tensor((1, -1, -1, 1)).view(4, *[1] * (values.dim() - 1))
    left: Tensor = blocks - signs * (signs * blocks).mean(1, keepdim=True)
    return left.flatten(0, 1)


class DiagonalFreeConv(nn.Conv2d):
    """A convolution to channels in fours, one for each pixel of a block of 2x2, without diagonals.

    The exporter folds the subtraction, so the file has a plain convolution.
    """

    def forward(self, grid: Tensor) -> Tensor:
        assert self.bias is not None
        weight, bias = without_diagonals(self.weight), without_diagonals(self.bias)
        return nn.functional.conv2d(grid, weight, bias, padding=1)


class Upsampling(nn.Sequential):
    """A 3x3 convolution to four times the channels, rearranged into blocks of 2x2 pixels.

    Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
    neural network", CVPR 2016.
    """

    def __init__(self, inputs: int, outputs: int, activation: str, *, diagonals: bool = True) -> None:
        layer = (nn.Conv2d if diagonals else DiagonalFreeConv)(inputs, 4 * outputs, 3, padding=1)
        initialise(layer, activation)
        super().__init__(layer, nn.PixelShuffle(2))


class ConvGenerator(GeneratorNetwork):
    """Dense layers to a small grid, one convolution per resolution, and tanh."""

    def __init__(self, settings: ConvGeneratorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.sizes = pyramid(settings.hidden, spec)
        self.shape = spec.shape
        widths, activation = self.sizes.widths, settings.activation
        self.input = LatentInput(settings.latent_dim, spec.classes, settings.label_dim)
        self.dense, inputs = dense_layers(self.input.width, settings, last=False)
        self.first = nn.Linear(inputs, widths[0] * math.prod(self.sizes.first))
        initialise(self.first, activation)
        modules = after_layer(widths[0], settings, spatial=True, last=len(widths) == 1)
        for place, (inputs, outputs) in enumerate(itertools.pairwise(widths), 2):
            modules.append(Upsampling(inputs, outputs, activation))
            modules += after_layer(outputs, settings, spatial=True, last=place == len(widths))
        self.body = nn.Sequential(*modules)
        channels = spec.shape[0]
        diagonals = settings.diagonals == "all" or (settings.diagonals == "grey" and channels == 1)
        self.output = Upsampling(widths[-1], channels, "linear", diagonals=diagonals)

    def coarsest(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Return the grid at the coarsest resolution, [n, channels, height, width]."""
        grid = self.first(self.dense(self.input(latents, labels)))
        return channels_last(grid.view(-1, self.sizes.widths[0], *self.sizes.first))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        samples = self.output(self.body(self.coarsest(latents, labels)))
        return tanh(cropped(samples, self.shape).float(), training=self.training)


class ConvDiscriminator(DiscriminatorNetwork):
    """Convolutions of 4x4 with stride 2, one for each resolution, then dense layers and the logit.

    A strided convolution hardly sees changes from one pixel to the next, so a generator can leave a
    checkerboard of period 2 there. A stem, a convolution of stride 1 before them, sees it.
    """

    followed = False
    """True if hidden layers follow the convolutions, beside dense ones."""

    def __init__(self, settings: ConvDiscriminatorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.sizes = pyramid(settings.hidden[::-1], spec)
        widths = self.sizes.widths[::-1]
        layers = strided_layers(widths, settings.stem, spec)
        self.body = strided_body(layers, settings, last=not settings.dense and not self.followed)
        cells = math.prod(self.sizes.first)
        self.dense, features = dense_layers(widths[-1] * cells, settings, last=True)
        self.output = LogitHead(features, spec.classes)
        initialise(self.output, "linear")

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.body(channels_last(padded(samples, self.sizes.full)))
        if features.requires_grad:  # their gradient comes from dense layers, in a layout that is slow below
            features.register_hook(channels_last)
        logits: Tensor = self.output(self.dense(features.flatten(1)), labels)
        return logits

    def hidden_layers(self) -> Iterator[nn.Module]:
        yield from self.body.children()
        yield from self.dense.children()


CONV = Architecture(
    "conv",
    Design(ConvGeneratorSettings, ConvGenerator),
    Design(ConvDiscriminatorSettings, ConvDiscriminator),
    fits=lambda spec: spec.on_grid,
)
