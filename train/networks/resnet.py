"""Architecture ``resnet``: residual blocks that double or halve the resolution."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from .grid import channels_last, cropped, padded, pyramid
from .interface import Architecture, Design, DiscriminatorNetwork, GeneratorNetwork
from .labels import LatentInput, LogitHead
from .layers import activation, after_layer, dense_layers, initialise, normalisation
from .settings import ConvolutionDiscriminatorSettings, ConvolutionGeneratorSettings, LayerSettings
from .spec import SampleSpec
from .tanh import tanh


class GeneratorBlock(nn.Module):
    """Two 3x3 convolutions at twice the resolution, with a 1x1 convolution of the input as the shortcut.

    Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018, table 4 and figure
    5. Both paths upsample by repeating the nearest pixel.
    """

    def __init__(self, inputs: int, outputs: int, settings: LayerSettings, *, last: bool) -> None:
        super().__init__()
        first, second = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)
        self.enter = nn.Sequential(*normalisation(inputs, settings, spatial=True), _act(settings))
        self.first = first
        self.second = nn.Sequential(*after_layer(outputs, settings, spatial=True, last=last), second)
        _initialise(first, second, self.skip, settings.activation)

    def forward(self, grid: Tensor) -> Tensor:
        """Map [n, inputs, height, width] to [n, outputs, 2 height, 2 width]."""
        inner = self.second(self.first(_doubled(self.enter(grid))))
        # a 1x1 convolution of repeated pixels is the repeated convolution, at a quarter of the price
        total: Tensor = inner + _doubled(self.skip(grid))
        return total


class DiscriminatorBlock(nn.Module):
    """Two 3x3 convolutions, then 2x2 average pooling, with pooling and a 1x1 convolution as the shortcut.

    The same source. The block that sees the image has no activation before its first convolution.
    """

    def __init__(
        self, inputs: int, outputs: int, settings: LayerSettings, *, image: bool, last: bool
    ) -> None:
        super().__init__()
        first, second = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)
        enter = [] if image else [*normalisation(inputs, settings, spatial=True), _act(settings)]
        self.inner = nn.Sequential(
            *enter, first, *after_layer(outputs, settings, spatial=True, last=last), second
        )
        _initialise(first, second, self.skip, settings.activation)

    def forward(self, grid: Tensor) -> Tensor:
        """Map [n, inputs, height, width], both even, to [n, outputs, height / 2, width / 2]."""
        total: Tensor = avg_pool2d(self.inner(grid), 2) + self.skip(avg_pool2d(grid, 2))
        return total


class ResNetGenerator(GeneratorNetwork):
    """A dense layer to a small grid, a block for each resolution, a 3x3 convolution, and tanh."""

    def __init__(self, settings: ConvolutionGeneratorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.sizes = pyramid(settings.hidden, spec)
        self.shape = spec.shape
        widths, normed = self.sizes.widths, settings.normalisation != "none"
        self.input = LatentInput(settings.latent_dim, spec.classes, settings.label_dim)
        self.dense, inputs = dense_layers(self.input.width, settings, last=False)
        self.first = nn.Linear(inputs, widths[0] * math.prod(self.sizes.first))
        initialise(self.first, "linear")
        self.body = nn.Sequential(
            *(
                GeneratorBlock(inputs, outputs, settings, last=place == len(widths) and not normed)
                for place, (inputs, outputs) in enumerate(zip((widths[0], *widths), widths, strict=False), 1)
            ),
            # the last norm is here, so dropout behind every norm is too
            *(after_layer(widths[-1], settings, spatial=True, last=True) if normed else [_act(settings)]),
        )
        self.output = nn.Conv2d(widths[-1], spec.shape[0], 3, padding=1)
        initialise(self.output, "linear")

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        grid = self.first(self.dense(self.input(latents, labels))).view(
            -1, self.sizes.widths[0], *self.sizes.first
        )
        samples = self.output(self.body(channels_last(grid)))
        return tanh(cropped(samples, self.shape).float(), training=self.training)


class ResNetDiscriminator(DiscriminatorNetwork):
    """A block for each resolution, the mean over the coarsest grid, dense layers, and a logit."""

    def __init__(self, settings: ConvolutionDiscriminatorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.sizes = pyramid(settings.hidden[::-1], spec)
        widths = self.sizes.widths[::-1]
        blocks = [
            DiscriminatorBlock(
                inputs, outputs, settings, image=place == 1, last=place == len(widths) and not settings.dense
            )
            for place, (inputs, outputs) in enumerate(zip((spec.shape[0], *widths), widths, strict=False), 1)
        ]
        self.body = nn.Sequential(*blocks, _act(settings))
        self.dense, features = dense_layers(widths[-1], settings, last=True)
        self.output = LogitHead(features, spec.classes)
        initialise(self.output, "linear")

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        grid = channels_last(padded(samples, self.sizes.full))
        features = self.body(grid)
        logits: Tensor = self.output(self.dense(features.mean((2, 3))), labels)
        return logits

    def hidden_layers(self) -> Iterator[nn.Module]:
        yield from self.body.children()
        yield from self.dense.children()


def _act(settings: LayerSettings) -> nn.Module:
    return activation(settings.activation)


def _doubled(grid: Tensor) -> Tensor:
    return interpolate(grid, scale_factor=2.0, mode="nearest")


def _initialise(first: nn.Conv2d, second: nn.Conv2d, skip: nn.Conv2d, activation: str) -> None:
    initialise(first, activation)
    initialise(second, activation)
    initialise(skip, "linear")
    with torch.no_grad():  # the sum of the two ways keeps the variance
        for layer in (second, skip):
            layer.weight.mul_(math.sqrt(0.5))


RESNET = Architecture(
    "resnet",
    Design(ConvolutionGeneratorSettings, ResNetGenerator),
    Design(ConvolutionDiscriminatorSettings, ResNetDiscriminator),
    fits=lambda spec: spec.on_grid,
)
