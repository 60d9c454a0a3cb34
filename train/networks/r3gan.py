"""Architecture ``r3gan``: residual blocks of grouped convolutions, without normalisation.

Huang, Gokaslan, Kuleshov, Tompkin, "The GAN is dead; long live the GAN! A modern GAN baseline", NeurIPS 2024.
Differences from the paper: labels enter as in the other architectures here, dropout follows both hidden
layers of a block, and the generator ends in tanh.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from .grid import channels_last, cropped, padded, pyramid
from .interface import Architecture, Design, DiscriminatorNetwork, GeneratorNetwork
from .labels import LatentInput, LogitHead
from .layers import after_layer, dense_layers, initialise
from .settings import ConvolutionDiscriminatorSettings, ConvolutionGeneratorSettings, Widths
from .spec import SampleSpec
from .tanh import tanh

Count = Annotated[int, Field(ge=1, le=64)]


class R3GANGeneratorSettings(ConvolutionGeneratorSettings):
    hidden: Widths
    """Channels at each resolution, coarsest first, the image's own last; one number is for all."""
    blocks: Count = 2
    """Residual blocks at each resolution."""
    groups: Count = 16
    """Groups of the 3x3 convolutions; fewer where the channels cannot be cut into as many."""


class R3GANDiscriminatorSettings(ConvolutionDiscriminatorSettings):
    hidden: Widths
    """Channels at each resolution, finest first, from the image's own on; one number is for all."""
    blocks: Count = 2
    """Residual blocks at each resolution."""
    groups: Count = 16
    """Groups of the 3x3 convolutions; fewer where the channels cannot be cut into as many."""


R3GANSettings = R3GANGeneratorSettings | R3GANDiscriminatorSettings


class Block(nn.Module):
    """A residual block: 1x1 to twice the channels, 3x3 in groups, 1x1 back, added to the input.

    The last convolution is initialised to 0, so an untrained network is a chain of resamplings. The others
    are initialised smaller the more blocks there are (Zhang, Dauphin, Ma, "Fixup initialization", ICLR 2019).
    """

    def __init__(self, channels: int, settings: R3GANSettings, *, depth: int, last: bool) -> None:
        super().__init__()
        inner = 2 * channels
        grouped = nn.Conv2d(inner, inner, 3, padding=1, groups=math.gcd(inner, settings.groups))
        layers = nn.Conv2d(channels, inner, 1), grouped, nn.Conv2d(inner, channels, 1, bias=False)
        for layer in layers[:2]:
            initialise(layer, settings.activation)
        with torch.no_grad():
            for layer in layers[:2]:
                layer.weight.mul_(depth**-0.25)
            layers[2].weight.zero_()
        self.inner = nn.Sequential(
            layers[0],
            *after_layer(inner, settings, spatial=True, last=False),
            layers[1],
            *after_layer(inner, settings, spatial=True, last=last),
            layers[2],
        )

    def forward(self, grid: Tensor) -> Tensor:
        """Map [n, channels, height, width] to the same shape."""
        total: Tensor = grid + self.inner(grid)
        return total


class Basis(nn.Module):
    """A learned picture for each channel of the coarsest grid.

    A generator scales each picture; a discriminator measures how much of each is present.
    """

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.pictures = nn.Parameter(torch.randn(channels, *size))

    def weighted(self, weights: Tensor) -> Tensor:
        """Map [n, channels] to [n, channels, height, width]."""
        return weights[:, :, None, None] * self.pictures

    def found(self, grid: Tensor) -> Tensor:
        """Map [n, channels, height, width] to [n, channels], on the scale of the grid's values."""
        found: Tensor = (grid * self.pictures).sum((2, 3)) * self.pictures[0].numel() ** -0.5
        return found


class R3GANGenerator(GeneratorNetwork):
    """A learned basis, then blocks at each resolution, with 1x1 convolutions where channels change."""

    def __init__(self, settings: R3GANGeneratorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.sizes, self.shape = pyramid(settings.hidden[:-1] or settings.hidden, spec), spec.shape
        widths = (*self.sizes.widths, settings.hidden[-1])
        self.input = LatentInput(settings.latent_dim, spec.classes, settings.label_dim)
        self.dense, inputs = dense_layers(self.input.width, settings, last=False)
        self.first = nn.Linear(inputs, widths[0], bias=False)
        initialise(self.first, "linear")
        self.basis = Basis(widths[0], self.sizes.first)
        leave = [*(_change(*pair) for pair in itertools.pairwise(widths)), []]
        self.body = nn.ModuleList(
            nn.Sequential(*stage, *change)
            for stage, change in zip(_stages(widths, settings), leave, strict=True)
        )
        self.output = nn.Conv2d(widths[-1], spec.shape[0], 1)
        initialise(self.output, "linear")

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        grid = channels_last(self.basis.weighted(self.first(self.dense(self.input(latents, labels)))))
        for place, stage in enumerate(self.body):
            grid = stage(_doubled(grid) if place else grid)
        samples = self.output(grid)
        return tanh(cropped(samples, self.shape).float(), training=self.training)


class R3GANDiscriminator(DiscriminatorNetwork):
    """The mirror image of the generator; its first block has the image's own resolution."""

    def __init__(self, settings: R3GANDiscriminatorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.sizes = pyramid(settings.hidden[:0:-1] or settings.hidden, spec)
        widths = (settings.hidden[0], *self.sizes.widths[::-1])
        enter = [_change(*pair) for pair in itertools.pairwise((spec.shape[0], *widths))]
        self.body = nn.ModuleList(
            nn.Sequential(*change, *stage)
            for change, stage in zip(enter, _stages(widths, settings), strict=True)
        )
        self.basis = Basis(widths[-1], self.sizes.first)
        self.dense, features = dense_layers(widths[-1], settings, last=True)
        self.output = LogitHead(features, spec.classes)
        initialise(self.output, "linear")

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        grid = channels_last(padded(samples, self.sizes.full))
        for place, stage in enumerate(self.body):
            grid = stage(_halved(grid) if place else grid)
        logits: Tensor = self.output(self.dense(self.basis.found(grid)), labels)
        return logits

    def hidden_layers(self) -> Iterator[nn.Module]:
        yield from self.body.children()
        yield self.basis
        yield from self.dense.children()


def _stages(widths: tuple[int, ...], settings: R3GANSettings) -> Iterator[list[nn.Module]]:
    """Yield the blocks at each resolution."""
    depth = len(widths) * settings.blocks
    for place, width in enumerate(widths, 1):
        last = place == len(widths) and (isinstance(settings, R3GANGeneratorSettings) or not settings.dense)
        yield [
            Block(width, settings, depth=depth, last=last and block == settings.blocks - 1)
            for block in range(settings.blocks)
        ]


def _change(inputs: int, outputs: int) -> list[nn.Module]:
    """Return a convolution if the number of channels changes, otherwise nothing."""
    if inputs == outputs:
        return []
    layer = nn.Conv2d(inputs, outputs, 1, bias=False)
    initialise(layer, "linear")
    return [layer]


def _doubled(grid: Tensor) -> Tensor:
    """Double the resolution with a [1, 2, 1] blur: repeat each pixel four times, then average 2x2."""
    return avg_pool2d(interpolate(grid, scale_factor=2.0, mode="nearest"), 2, 1, 1)[:, :, 1:, 1:]


def _halved(grid: Tensor) -> Tensor:
    """Halve the resolution after a [1, 2, 1] blur; height and width must be even."""
    return avg_pool2d(avg_pool2d(grid, 2, 1, 1), 2)


R3GAN = Architecture(
    "r3gan",
    Design(R3GANGeneratorSettings, R3GANGenerator),
    Design(R3GANDiscriminatorSettings, R3GANDiscriminator),
    fits=lambda spec: spec.on_grid,
)
