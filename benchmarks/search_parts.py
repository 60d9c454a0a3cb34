"""Changes to the networks of `conv` that the search of recipes tries and that dropgan does not include.

`register` makes them architectures.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from dropgan.train.networks import SampleSpec
from dropgan.train.networks.architectures import ARCHITECTURES
from dropgan.train.networks.conv import (
    ConvDiscriminator,
    ConvDiscriminatorSettings,
    ConvGenerator,
    ConvGeneratorSettings,
)
from dropgan.train.networks.interface import Architecture, Design
from dropgan.train.networks.labels import LogitHead
from dropgan.train.networks.layers import after_layer, initialise
from dropgan.train.networks.settings import LayerSettings


class _Signs(torch.autograd.Function):
    """0, with the gradient of Wasserstein's loss: down for rows that the loss pushes up, else up."""

    @staticmethod
    def forward(ctx: Any, direction: Tensor) -> Tensor:
        return torch.zeros_like(direction)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0].sign() * (2 / len(gradients[0]))


class SanHead(LogitHead):
    """The product of the features and a direction, which are trained apart.

    Takida et al., "SAN: inducing metrizability of GAN with discriminative normalized linear layer", ICLR
    2024: the features minimise the loss with the direction held, the direction of length 1 minimises
    Wasserstein's with the features held. With labels there is a direction for each class.
    """

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        weight = self.weight.expand(len(features), -1)
        if self.embedding is not None:
            weight = weight + self.embedding(labels)
        direction = normalize(weight, dim=1)
        logits = (direction.detach() * features).sum(1, keepdim=True) + self.bias
        learned: Tensor = _Signs.apply((direction * features.detach()).sum(1, keepdim=True))  # type: ignore[no-untyped-call]
        return logits.float() + learned.float()


class SanDiscriminator(ConvDiscriminator):
    """The discriminator of `conv` with `SanHead`."""

    def __init__(self, settings: ConvDiscriminatorSettings, spec: SampleSpec) -> None:
        super().__init__(settings, spec)
        self.output = SanHead(self.output.in_features, spec.classes)
        initialise(self.output, "linear")


class _Same(nn.Module):
    """The features as they are, where the logit is made elsewhere."""

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        return features


class StatisticsDiscriminator(ConvDiscriminator):
    """The discriminator of `conv`, which sees beside the features how far they differ in groups of four.

    Karras et al., "Progressive growing of GANs for improved quality, stability, and variation", ICLR 2018,
    section 3: the mean standard deviation over the group.
    """

    def __init__(self, settings: ConvDiscriminatorSettings, spec: SampleSpec) -> None:
        super().__init__(settings, spec)
        self.statistic = nn.Linear(1, self.output.in_features)
        initialise(self.statistic, "linear")
        self.head: nn.Module = self.output
        self.output = _Same()  # type: ignore[assignment]

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        features = super().forward(samples, labels)
        groups = features.unflatten(0, (-1, 4)) if len(features) % 4 == 0 else features[None]
        spread = (groups.var(1, unbiased=False) + 1e-8).sqrt().mean(1, keepdim=True)
        told = self.statistic(spread.repeat_interleave(groups.shape[1], 0))
        logits: Tensor = self.head(features + told, labels)
        return logits


class ZeroBlock(nn.Module):
    """A residual block of two 3x3 convolutions, the second of which begins at 0."""

    def __init__(self, channels: int, settings: LayerSettings) -> None:
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        initialise(first, settings.activation)
        nn.init.zeros_(second.weight)
        self.inner = nn.Sequential(first, *after_layer(channels, settings, spatial=True, last=False), second)

    def forward(self, grid: Tensor) -> Tensor:
        total: Tensor = grid + self.inner(grid)
        return total


class ZeroGenerator(ConvGenerator):
    """The generator of `conv` with a `ZeroBlock` at the coarsest grid."""

    def __init__(self, settings: ConvGeneratorSettings, spec: SampleSpec) -> None:
        super().__init__(settings, spec)
        self.block = ZeroBlock(self.sizes.widths[0], settings)

    def coarsest(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        grid: Tensor = self.block(super().coarsest(latents, labels))
        return grid


class ZeroDiscriminator(ConvDiscriminator):
    """The discriminator of `conv` with a `ZeroBlock` at the coarsest grid."""

    followed = True

    def __init__(self, settings: ConvDiscriminatorSettings, spec: SampleSpec) -> None:
        super().__init__(settings, spec)
        self.body.append(ZeroBlock(self.sizes.widths[0], settings))

    def hidden_layers(self) -> Iterator[nn.Module]:
        yield from self.body.children()
        yield from self.dense.children()


def register() -> None:
    """Make ``conv-san``, ``conv-statistics`` and ``conv-zero`` architectures, in this process."""
    for name, generator, discriminator in (
        ("conv-san", None, SanDiscriminator),
        ("conv-statistics", None, StatisticsDiscriminator),
        ("conv-zero", ZeroGenerator, ZeroDiscriminator),
    ):
        if name not in {design.name for design in ARCHITECTURES}:
            ARCHITECTURES.register(
                Architecture(
                    name,
                    None if generator is None else Design(ConvGeneratorSettings, generator),
                    Design(ConvDiscriminatorSettings, discriminator),
                    fits=lambda spec: spec.on_grid,
                )
            )
