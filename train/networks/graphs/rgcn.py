"""Architecture ``molgan``'s discriminator: relational graph convolutions."""

from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from ..interface import DiscriminatorNetwork
from ..labels import LogitHead
from ..layers import initialise
from ..settings import DiscriminatorSettings, Width
from ..spec import SampleSpec
from .messages import MessageSettings, after_messages, dense


class RGCNSettings(MessageSettings, DiscriminatorSettings):
    dense: Annotated[tuple[Width, ...], Field(max_length=64)] = (128,)
    """Widths of dense layers behind the sum over all nodes."""
    walks: Annotated[int, Field(ge=0, le=16)] = 0
    """Longest closed walks through a node that the first layer sees; 0 for none. They tell
    apart graphs that convolutions alone cannot."""


class RGCNDiscriminator(DiscriminatorNetwork):
    """Relational graph convolutions with sums over the nodes after each, then dense layers and a logit.

    Schlichtkrull et al., "Modeling relational data with graph convolutional networks", ESWC 2018, equation 2,
    with sums instead of means, because means cannot distinguish degrees (Xu et al., "How powerful are graph
    neural networks?", ICLR 2019). The logit does not depend on the order of the nodes. Absent nodes are
    ignored.
    """

    def __init__(self, settings: RGCNSettings, spec: SampleSpec) -> None:
        super().__init__()
        assert spec.graphs is not None
        self.edge_types, self.walks = spec.graphs.edge_types, settings.walks
        inputs = spec.graphs.node_types + max(0, settings.walks - 1)
        self.body = nn.ModuleList()
        pooled = 0
        for units in settings.hidden:
            self.body.append(RelationalConvolution(inputs, units, self.edge_types, settings))
            inputs, pooled = units, pooled + units
        modules: list[nn.Module] = []
        for units in settings.dense:
            modules += dense(pooled, units, settings)
            pooled = units
        self.dense = nn.Sequential(*modules)
        self.output = LogitHead(pooled, spec.classes)
        initialise(self.output, "linear")

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        edges = samples[:, 1 : 1 + self.edge_types]
        nodes = torch.diagonal(samples[:, 2 + self.edge_types :], dim1=2, dim2=3).transpose(1, 2)
        there = nodes.sum(2, keepdim=True)
        hidden = torch.cat((nodes, *closed_walks(edges.sum(1), self.walks)), 2)
        sums = []
        for layer in self.body:
            hidden = layer(hidden, edges) * there
            sums.append(hidden.sum(1) / samples.shape[2] ** 0.5)
        logits: Tensor = self.output(self.dense(torch.cat(sums, 1)), labels)
        return logits

    def hidden_layers(self) -> Iterator[nn.Module]:
        yield from self.body
        yield from self.dense


class RelationalConvolution(nn.Module):
    """Computes a node's features from its own and from its neighbours', summed by the type of the edge."""

    def __init__(self, inputs: int, units: int, edge_types: int, settings: MessageSettings) -> None:
        super().__init__()
        self.own = nn.Linear(inputs, units)
        self.relations = nn.ModuleList(nn.Linear(inputs, units, bias=False) for _ in range(edge_types))
        for layer in (self.own, *self.relations):
            initialise(layer, settings.activation)
        self.after = after_messages(settings)

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        """Map [n, nodes, inputs] and [n, edge types, nodes, nodes] to [n, nodes, units]."""
        summed = self.own(nodes)
        for number, relation in enumerate(self.relations):
            summed = summed + edges[:, number] @ relation(nodes) / 2
        kept: Tensor = self.after(summed)
        return kept


def closed_walks(edges: Tensor, longest: int) -> list[Tensor]:
    """Return the scaled number of closed walks of 2 to ``longest`` steps from each node, [n, nodes, 1] each.

    Args:
        edges: [n, nodes, nodes], 1 for an edge of any type.
        longest: Steps of the longest walk; below 2 the result is empty.
    """
    found: list[Tensor] = []
    power = edges
    for _ in range(longest - 1):
        power = power @ edges / 3  # keeps numbers small: a node has few neighbours
        found.append(torch.diagonal(power, dim1=1, dim2=2)[..., None])
    return found
