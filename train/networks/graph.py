"""Architecture ``graph``: convolutions, and layers of a Vision GNN at the coarsest resolution.

After Han, Wang, Guo, Tang, Wu, "Vision GNN: an image is worth graph of nodes", NeurIPS 2022. Each cell of the
coarsest grid, a patch of the picture, is a node, and `neighbours` is the graph convolution. There are at most
64 nodes, whatever the size of the picture.
"""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from .conv import ConvDiscriminator, ConvDiscriminatorSettings, ConvGenerator, ConvGeneratorSettings
from .interface import Architecture, Design
from .layers import block, initialise
from .neighbours import MaxRelative
from .settings import ConvolutionSettings
from .spec import SampleSpec

_SHARE = math.sqrt(0.5)  # of a residual branch at the beginning

Count = Annotated[int, Field(ge=1, le=64)]


class _GraphSettings(ConvolutionSettings):
    neighbours: Count = 9
    """Nearest nodes that each node looks at, itself included."""
    blocks: Count = 1
    """Graph layers, one behind the other."""


class GraphGeneratorSettings(_GraphSettings, ConvGeneratorSettings):
    """Settings of the generator; it has none of its own."""


class GraphDiscriminatorSettings(_GraphSettings, ConvDiscriminatorSettings):
    """Settings of the discriminator; it has none of its own."""


class GraphLayer(nn.Module):
    """Two residual branches: one learns from a node's neighbours, the other from the node itself."""

    def __init__(self, channels: int, settings: _GraphSettings, *, last: bool) -> None:
        super().__init__()
        self.enter = _to(channels, channels, "linear")
        self.relative = MaxRelative(settings.neighbours)
        self.update = _branch(2 * channels, channels, settings, last=False)
        self.inner = _branch(channels, 2 * channels, settings, last=last)

    def forward(self, grid: Tensor) -> Tensor:
        """Map [n, channels, height, width] to the same shape."""
        nodes = self.enter(grid)
        grid = grid + self.update(torch.cat((nodes, self.relative(nodes)), 1))
        total: Tensor = grid + self.inner(grid)
        return total


class GraphGenerator(ConvGenerator):
    """The generator of `conv` with graph layers on its coarsest grid."""

    def __init__(self, settings: GraphGeneratorSettings, spec: SampleSpec) -> None:
        super().__init__(settings, spec)
        self.graph = _layers(self.sizes.widths[0], settings, last=False)

    def coarsest(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        grid: Tensor = self.graph(super().coarsest(latents, labels))
        return grid


class GraphDiscriminator(ConvDiscriminator):
    """The discriminator of `conv` with graph layers on its last grid."""

    followed = True

    def __init__(self, settings: GraphDiscriminatorSettings, spec: SampleSpec) -> None:
        super().__init__(settings, spec)
        self.body.extend(_layers(self.sizes.widths[0], settings, last=not settings.dense))


def _layers(channels: int, settings: _GraphSettings, *, last: bool) -> nn.Sequential:
    return nn.Sequential(
        *(
            GraphLayer(channels, settings, last=last and place == settings.blocks)
            for place in range(1, settings.blocks + 1)
        )
    )


def _branch(inputs: int, inner: int, settings: _GraphSettings, *, last: bool) -> nn.Sequential:
    """Return a residual branch: a hidden layer in each node, and a layer back to the node's channels."""
    channels = min(inputs, inner)
    back = _to(inner, channels, "linear")
    with torch.no_grad():
        back.weight.mul_(_SHARE)
    return nn.Sequential(*block(_to(inputs, inner, settings.activation), settings, last=last), back)


def _to(inputs: int, outputs: int, activation: str) -> nn.Conv2d:
    """Return a dense layer that acts on each node alike."""
    layer = nn.Conv2d(inputs, outputs, 1)
    initialise(layer, activation)
    return layer


GRAPH = Architecture(
    "graph",
    Design(GraphGeneratorSettings, GraphGenerator),
    Design(GraphDiscriminatorSettings, GraphDiscriminator),
    fits=lambda spec: spec.on_grid,
)
