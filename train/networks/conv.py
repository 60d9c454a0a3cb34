"""Architecture ``conv``: convolutions that each double or halve the resolution."""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from .grid import channels_last, cropped, padded, pyramid
from .interface import Architecture, Design, DiscriminatorNetwork, GeneratorNetwork
from .labels import LatentInput, LogitHead
from .layers import activation, after_layer, block, dense_layers, initialise
from .settings import (
    AUTO,
    ConvolutionDiscriminatorSettings,
    ConvolutionGeneratorSettings,
    LayerSettings,
    Stem,
)
from .spec import SampleSpec
from .tanh import tanh


class ConvGeneratorSettings(ConvolutionGeneratorSettings):
    finest: Annotated[int, Field(ge=0, le=65536)] = 0
    """Channels of a layer at full resolution, for what is finer than blocks of 2x2 pixels; 0 for none. No
    dropout or normalisation follows it."""
    diagonals: Literal["all", "grey", "none"] = "all"
    """Which images may have diagonals in their blocks of 2x2 pixels, of which a checkerboard is made: all,
    grey ones, or none. Without one, the two diagonals of a block have equal sums before tanh, or before the
    layer at full resolution, which can bring some back."""


class ConvDiscriminatorSettings(ConvolutionDiscriminatorSettings):
    stem: Stem = 0
    """Channels of a 3x3 convolution at full resolution, before the strided ones: a number, 0 for none, auto,
    which is 8 and in colour 16, or colour, which is 16 in colour and none in grey."""


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
        self.output = _output(widths[-1], settings, spec.shape[0])

    def coarsest(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Return the grid at the coarsest resolution, [n, channels, height, width]."""
        grid = self.first(self.dense(self.input(latents, labels)))
        return channels_last(grid.view(-1, self.sizes.widths[0], *self.sizes.first))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        samples = self.output(self.body(self.coarsest(latents, labels)))
        return tanh(cropped(samples, self.shape).float(), training=self.training)


def _output(inputs: int, settings: ConvGeneratorSettings, channels: int) -> nn.Sequential:
    """Return the layers from half the resolution to the samples before tanh."""
    diagonals = settings.diagonals == "all" or (settings.diagonals == "grey" and channels == 1)
    if not settings.finest:
        return Upsampling(inputs, channels, "linear", diagonals=diagonals)
    last = nn.Conv2d(settings.finest, channels, 3, padding=1)
    initialise(last, "linear")
    middle = Upsampling(inputs, settings.finest, settings.activation, diagonals=diagonals)
    return nn.Sequential(middle, activation(settings.activation), last)


def finest_of(weights: Mapping[str, Tensor]) -> int:
    """Return the channels at full resolution of a `ConvGenerator` by its weights' names; 0 for none."""
    last = weights.get("output.2.weight")
    return 0 if last is None else last.shape[1]


class StemConv(nn.Conv2d):
    """A 3x3 convolution of stride 1, of samples.

    One input channel has no layout of its own, so oneDNN would compute in one layout and the layers above in
    another. Three copies, each moved by a column, are three channels for the same sum: a tenth less time for
    a step of recipe `conv` on a CPU.
    """

    def forward(self, samples: Tensor) -> Tensor:
        if self.in_channels > 1:
            return super().forward(samples)
        width = samples.shape[3]
        wider = nn.functional.pad(samples[:, 0], (1, 1))
        moved = torch.stack([wider[..., column : column + width] for column in range(3)], -1)
        weight = self.weight.transpose(1, 3).contiguous()  # as slower convolutions need it
        return nn.functional.conv2d(moved.permute(0, 3, 1, 2), weight, self.bias, padding=(1, 0))


class GreyStridedConv(nn.Conv2d):
    """A 4x4 convolution of stride 2: grey samples, float [n, 1, height, width] with even sides, to
    [n, outputs, height / 2, width / 2].

    One input channel has no layout of its own, as in `StemConv`. Blocks of 2x2 pixels are four channels for
    the same sum: 7 % less time for a step of recipe `conv` on a CPU.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__(1, outputs, 4, 2, 1)

    def forward(self, samples: Tensor) -> Tensor:
        blocks = nn.functional.pixel_unshuffle(nn.functional.pad(samples, (1, 1, 1, 1)), 2)
        weight = nn.functional.pixel_unshuffle(self.weight, 2)
        return nn.functional.conv2d(blocks, weight, self.bias)


def strided_layers(widths: tuple[int, ...], stem: Stem, spec: SampleSpec) -> list[nn.Conv2d]:
    """Return convolutions of 4x4 with stride 2, one for each width, finest first.

    Args:
        widths: Channels at each resolution, finest first.
        stem: Channels of a 3x3 convolution of stride 1 before them; 0 leaves it out. For the words see
            `ConvDiscriminatorSettings`.
        spec: Spec of the images.
    """
    if isinstance(stem, str):
        stem = 16 if spec.shape[0] > 1 else 8 if stem == AUTO else 0
    if stem:
        first: list[nn.Conv2d] = [StemConv(spec.shape[0], stem, 3, padding=1)]
        widths = (stem, *widths)
    elif spec.shape[0] == 1:
        first = [GreyStridedConv(widths[0])]
    else:
        first = [nn.Conv2d(spec.shape[0], widths[0], 4, 2, 1)]
    return first + [nn.Conv2d(inputs, outputs, 4, 2, 1) for inputs, outputs in itertools.pairwise(widths)]


def strided_body(layers: list[nn.Conv2d], settings: LayerSettings, *, last: bool) -> nn.Sequential:
    """Return a discriminator's convolutions with their normalisation, activation and dropout.

    Args:
        layers: The convolutions, from the samples up.
        settings: Settings of the network.
        last: True if no hidden layer follows them.
    """
    modules: list[nn.Module] = []
    for layer in layers:
        initialise(layer, settings.activation)
        # Radford et al. 2016: batch norm at the discriminator's input made training oscillate
        plain = settings if modules else settings.model_copy(update={"normalisation": "none"})
        modules += block(layer, plain, last=last and layer is layers[-1])
    return nn.Sequential(*modules)


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
