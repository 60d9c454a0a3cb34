"""Architecture ``projected``: a discriminator on top of a frozen feature network.

Sauer, Chitta, Müller, Geiger, "Projected GANs converge faster", NeurIPS 2021. Fixed random convolutions mix
the activations at four depths across channels and across scales, and a small head at each depth judges every
cell of a small grid. Differences from the paper: all mixtures have equally many channels, activations are
first standardised by real samples, and heads end in at most 4x4 cells.
"""

import math
from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate

from ..features.frozen import FrozenFeatures
from ..features.source import AUTO, plan_of, require_source
from .interface import Architecture, Design, DiscriminatorNetwork
from .layers import block, initialise
from .settings import DiscriminatorSettings, LayerSettings, Width, Widths
from .spec import SampleSpec

_LAST = 4  # cells along the longer side of the grid that a head judges


class ProjectedSettings(LayerSettings, DiscriminatorSettings):
    hidden: Widths
    """Channels of the convolutions of each head."""
    features: Annotated[str, AfterValidator(require_source)] = AUTO
    """The feature network that it looks through, which does not learn: fitted to the data (auto), domain,
    efficientnet-lite0, or a file of dropgan evaluate --fit-features."""
    decoder_steps: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Steps before the first one in which the generator learns to draw images from these features."""
    projection: Width = 32
    """Channels of the random mixtures of activations."""

    @property
    def has_several_logits(self) -> bool:
        return True


class RandomMixing(nn.Module):
    """Mixes activations of several depths by fixed random convolutions.

    1x1 convolutions mix across channels. 3x3 convolutions mix across scales, from the deepest up, so each
    depth sees the mixture of the one below.
    """

    def __init__(self, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.depths = len(widths)
        for depth, width in enumerate(widths):
            self.register_buffer(f"across_{depth}", _random(channels, width, 1))
            self.register_buffer(f"beside_{depth}", _random(channels, channels, 3))
            self.register_buffer(f"mean_{depth}", torch.zeros(width))
            self.register_buffer(f"scale_{depth}", torch.ones(width))

    @torch.no_grad()
    def standardise(self, activations: list[Tensor]) -> None:
        """Scale the activations of real samples to mean 0 and variance 1 in each channel at each depth."""
        for depth, grid in enumerate(activations):
            variance, mean = torch.var_mean(grid.float(), dim=(0, 2, 3))
            self.get_buffer(f"mean_{depth}").copy_(mean)
            # a channel that hardly ever acts would be noise in all mixtures
            self.get_buffer(f"scale_{depth}").copy_((variance + 0.01 * variance.mean() + 1e-8).rsqrt())

    def forward(self, activations: list[Tensor]) -> list[Tensor]:
        """Mix the activations of each depth, [n, width, height, width] to [n, channels, height, width]."""
        mixed: list[Tensor] = []
        for depth in reversed(range(self.depths)):
            across = self.get_buffer(f"across_{depth}") * self.get_buffer(f"scale_{depth}")[:, None, None]
            grid = conv2d(activations[depth], across, -across[:, :, 0, 0] @ self.get_buffer(f"mean_{depth}"))
            if mixed:
                below, size = mixed[-1], grid.shape[2:]
                if below.shape[2:] != size:
                    below = interpolate(below, size=size, mode="bilinear")
                grid = (grid + below) * math.sqrt(0.5)
            mixed.append(conv2d(grid, self.get_buffer(f"beside_{depth}"), padding=1))
        return mixed[::-1]


class Head(nn.Module):
    """Convolutions of stride 2 until the grid is small, then a logit for each of its cells."""

    def __init__(
        self, inputs: int, sides: tuple[int, int], settings: ProjectedSettings, classes: int
    ) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        for place, width in enumerate(settings.hidden, 1):
            stride = 2 if max(sides) > _LAST else 1
            layer = nn.Conv2d(inputs, width, 3, stride, 1)
            initialise(layer, settings.activation)
            modules += block(layer, settings, last=place == len(settings.hidden))
            inputs, sides = width, (-(-sides[0] // stride), -(-sides[1] // stride))
        self.body = nn.Sequential(*modules)
        self.output = nn.Conv2d(inputs, 1, 1)
        initialise(self.output, "linear")
        self.embedding = nn.Embedding(classes, inputs) if classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=inputs**-0.5)

    def forward(self, mixture: Tensor, labels: Tensor | None) -> Tensor:
        """Map [n, channels, height, width] and int64 [n] to logits float32 [n, cells]."""
        grid = self.body(mixture)
        logits = self.output(grid).float()
        if self.embedding is not None:
            logits = logits + (self.embedding(labels)[:, :, None, None] * grid).sum(1, keepdim=True)
        verdicts: Tensor = logits.flatten(1)
        return verdicts


class ProjectedDiscriminator(DiscriminatorNetwork):
    """A frozen feature network, frozen random mixtures, and a trained head at each depth.

    The feature network has no weights at first: `dropgan.train.run.features` loads those that the recipe
    names.
    """

    def __init__(self, settings: ProjectedSettings, spec: SampleSpec) -> None:
        super().__init__()
        plan = plan_of(settings.features, spec.shape[0])
        self.features = FrozenFeatures(plan)
        self.mixing = RandomMixing(plan.widths, settings.projection)
        sizes = plan.sizes(*spec.shape[1:])
        self.heads = nn.ModuleList(Head(settings.projection, size, settings, spec.classes) for size in sizes)

    def begin(self, samples: Tensor) -> None:
        """Standardise by real samples, [n, channels, height, width], once the features have their weights."""
        with torch.no_grad():
            self.mixing.standardise(self.features(samples))

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        mixtures = self.mixing(self.features(samples))
        return torch.cat([head(grid, labels) for head, grid in zip(self.heads, mixtures, strict=True)], 1)

    def hidden_layers(self) -> Iterator[nn.Module]:
        for head in self.heads:
            assert isinstance(head, Head)
            yield from head.body.children()


def _random(outputs: int, inputs: int, kernel: int) -> Tensor:
    """Return fixed normal weights that keep the variance."""
    weight = torch.empty(outputs, inputs, kernel, kernel)
    return nn.init.normal_(weight, std=(inputs * kernel * kernel) ** -0.5)


PROJECTED = Architecture(
    "projected",
    discriminator=Design(ProjectedSettings, ProjectedDiscriminator),
    fits=lambda spec: spec.on_grid,
)
