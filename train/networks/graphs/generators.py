"""Architectures ``molgan`` and ``equivariant``: generators of graphs."""

import math
from abc import abstractmethod
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ...settings import RecipeError
from ..interface import GeneratorNetwork
from ..labels import LatentInput
from ..layers import block, initialise
from ..settings import GeneratorSettings, LayerSettings, Widths
from ..spec import SampleSpec
from .discrete import NEVER, discretised, laid_out, only
from .limits import EdgeLimits
from .messages import MessageSettings, after_messages, dense

_RAREST, _ENDLESS = 1e-3, 1e9


class _DiscreteSettings(GeneratorSettings):
    discrete: Literal["straight-through", "gumbel"] = "straight-through"
    """How training makes discrete samples: the most likely type of each node and edge, as the exported file
    takes it, or a draw from their probabilities. Gradients are those of softmax in both."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Temperature of the softmax that gives the gradients."""
    edge_limits: bool = False
    """Keep samples to what holds for every graph of the data: no node has more edges (bonds by their order)
    than any of its type, and a graph is in one piece if all of the data are."""


class MolGANGeneratorSettings(LayerSettings, _DiscreteSettings):
    """Settings of the generator; it has none of its own."""


class EquivariantGeneratorSettings(MessageSettings, _DiscreteSettings):
    hidden: Widths
    """Features of a node and of a pair of nodes: at first, and after each round of messages."""


class GraphGenerator(GeneratorNetwork):
    """The common part of graph generators: sizes, and the step from logits to samples."""

    limits: Tensor

    def __init__(self, settings: _DiscreteSettings, spec: SampleSpec) -> None:
        super().__init__()
        assert spec.graphs is not None
        self.types, self.nodes = spec.graphs, spec.shape[1]
        self.draws_sizes = spec.graphs.sizes_vary and bool(spec.graphs.sizes)
        if self.draws_sizes:
            self.register_buffer("limits", _limits(spec.graphs.sizes), persistent=False)
        self.temperature, self.noise = settings.temperature, settings.discrete == "gumbel"
        self.edge_limits = (
            EdgeLimits(spec.graphs) if settings.edge_limits and spec.graphs.most_edges else None
        )

    @abstractmethod
    def logits(self, latents: Tensor, labels: Tensor | None, there: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the logits of edges and nodes.

        Edges are [n, 1 + edge types, nodes, nodes], exactly symmetric; nodes are [n, 1 + node types, nodes].
        ``there`` [n, nodes] is 1 for nodes that exist, or None if all may exist.
        """

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return discrete graphs in training mode and logits otherwise; see `discrete`."""
        there = self.there(latents, labels) if self.draws_sizes else None
        edges, nodes = self.logits(latents, labels, there)
        if there is not None:
            nodes = torch.cat(((2 * there - 1)[:, None] * NEVER, nodes[:, 1:]), 1)
        elif not self.types.sizes_vary:  # every graph of the data has all of its nodes
            nodes = torch.cat((torch.full_like(nodes[:, :1], NEVER), nodes[:, 1:]), 1)
        if self.training:
            return discretised(
                edges, nodes, temperature=self.temperature, noise=self.noise, limits=self.edge_limits
            )
        if self.edge_limits is not None:
            edges = only(edges, self.edge_limits(edges, nodes))
        return laid_out(edges, nodes)

    def there(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Return which nodes exist, the first ones of each graph: float [n, nodes] of 0 and 1.

        The last component of a latent draws the size, with the frequencies of the data. A generator that had
        to learn sizes would first learn to omit nodes, which is the quickest way to avoid wrong edges, and
        end with empty graphs.
        """
        limits = self.limits if labels is None else self.limits.index_select(0, labels)
        return (latents[:, -1:] > limits).to(latents.dtype)


class MolGANGenerator(GraphGenerator):
    """Dense layers that return the logits of all nodes and edges at once.

    De Cao and Kipf, "MolGAN: an implicit generative model for small molecular graphs", 2018.
    """

    places: Tensor

    def __init__(self, settings: MolGANGeneratorSettings, spec: SampleSpec) -> None:
        super().__init__(settings, spec)
        self.input = LatentInput(settings.latent_dim, spec.classes, settings.label_dim)
        modules: list[nn.Module] = []
        width = self.input.width
        for place, units in enumerate(settings.hidden, 1):
            layer = nn.Linear(width, units)
            initialise(layer, settings.activation)
            modules += block(layer, settings, last=place == len(settings.hidden))
            width = units
        self.body = nn.Sequential(*modules)
        self.pairs = self.nodes * (self.nodes - 1) // 2
        self.edges = nn.Linear(width, self.pairs * (1 + self.types.edge_types))
        self.atoms = nn.Linear(width, self.nodes * (1 + self.types.node_types))
        initialise(self.edges, "linear")
        initialise(self.atoms, "linear")
        _begin_at(self.edges, self.types.edge_shares, self.pairs)
        _begin_at(self.atoms, self.types.node_shares, self.nodes)
        self.register_buffer("places", _places(self.nodes), persistent=False)

    def logits(self, latents: Tensor, labels: Tensor | None, there: Tensor | None) -> tuple[Tensor, Tensor]:
        hidden = self.body(self.input(latents, labels))
        pairs = self.edges(hidden).view(-1, 1 + self.types.edge_types, self.pairs)
        edges = pairs.index_select(2, self.places).view(-1, 1 + self.types.edge_types, self.nodes, self.nodes)
        return edges, self.atoms(hidden).view(-1, 1 + self.types.node_types, self.nodes)


class EquivariantGenerator(GraphGenerator):
    """A generator that treats all nodes, and all pairs of nodes, alike; each starts from its own part of the
    latent.

    Layers pass messages from nodes to pairs and from pairs to nodes. Permuting the nodes in the latent
    permutes those of the graph, so every order of a graph's nodes is equally likely; absent nodes come last.
    This is the symmetry of graphs (as in Krawczuk et al., "GG-GAN", 2020, and Martinkus et al., "SPECTRE",
    ICML 2022). The first components of a latent belong to the nodes. The next belong to the pairs, if there
    are enough; otherwise a pair starts from its nodes. All nodes and pairs see the remaining components.
    """

    places: Tensor
    ends: Tensor
    both: Tensor

    def __init__(self, settings: EquivariantGeneratorSettings, spec: SampleSpec) -> None:
        super().__init__(settings, spec)
        nodes = self.nodes
        self.pairs = nodes * (nodes - 1) // 2
        own = nodes + self.pairs <= settings.latent_dim  # whether pairs have a part of the latent too
        most = (settings.latent_dim - self.pairs) // nodes if own else settings.latent_dim // nodes
        self.of_node = min(most, max(1, settings.latent_dim // (2 * nodes)))
        self.of_pair = (settings.latent_dim - self.of_node * nodes) // self.pairs
        rest = settings.latent_dim - self.of_node * nodes - self.of_pair * self.pairs
        if not self.of_node:
            raise RecipeError(
                f"generator.latent_dim {settings.latent_dim} is too small for {spec.described}: architecture"
                f" equivariant needs {nodes}, one for each node, and makes most of {nodes + self.pairs}, one"
                " for each pair of nodes too"
            )
        self.shared = LatentInput(rest, spec.classes, settings.label_dim)
        width = settings.hidden[0]
        self.first_node = nn.Sequential(*dense(self.of_node + self.shared.width, width, settings))
        if self.of_pair:
            self.first_pair = nn.Sequential(*dense(self.of_pair, width, settings))
        self.rounds = nn.ModuleList()
        for units in settings.hidden[1:]:
            self.rounds.append(_Round(width, units, settings))
            width = units
        self.edges = nn.Linear(width, 1 + self.types.edge_types)
        self.atoms = nn.Linear(width, 1 + self.types.node_types)
        initialise(self.edges, "linear")
        initialise(self.atoms, "linear")
        _begin_at(self.edges, self.types.edge_shares)
        _begin_at(self.atoms, self.types.node_shares)
        self.register_buffer("places", _places(nodes), persistent=False)
        one, other = torch.triu_indices(nodes, nodes, 1)
        self.register_buffer("ends", torch.cat((one, other)), persistent=False)
        whose = nn.functional.one_hot(torch.cat((other, one)), nodes).T / math.sqrt(nodes)
        self.register_buffer("both", whose, persistent=False)

    def logits(self, latents: Tensor, labels: Tensor | None, there: Tensor | None) -> tuple[Tensor, Tensor]:
        first, second = self.of_node * self.nodes, self.of_node * self.nodes + self.of_pair * self.pairs
        own = latents[:, :first].view(-1, self.nodes, self.of_node)
        shared = self.shared(latents[:, second:], labels)[:, None].expand(-1, self.nodes, -1)
        nodes = self.first_node(torch.cat((own, shared), 2))
        if self.of_pair:
            edges = self.first_pair(latents[:, first:second].view(-1, self.pairs, self.of_pair))
        else:
            one, other = nodes.index_select(1, self.ends).chunk(2, 1)
            edges = (one + other) / math.sqrt(2)
        for layer in self.rounds:
            if there is not None:
                nodes = nodes * there[..., None]
            nodes, edges = layer(nodes, edges, self.ends, self.both)
        made = self.edges(edges).transpose(1, 2).index_select(2, self.places)
        made = made.view(-1, 1 + self.types.edge_types, self.nodes, self.nodes)
        return made, self.atoms(nodes).transpose(1, 2)


class _Round(nn.Module):
    """One round of messages: a node sees itself, its pairs and the mean node; a pair sees itself and its two
    nodes.
    """

    def __init__(self, width: int, units: int, settings: MessageSettings) -> None:
        super().__init__()
        self.node, self.from_pairs = nn.Linear(width, units), nn.Linear(width, units, bias=False)
        self.from_all = nn.Linear(width, units, bias=False)
        self.pair, self.from_node = nn.Linear(width, units), nn.Linear(units, units, bias=False)
        for layer in (self.node, self.from_pairs, self.from_all, self.pair, self.from_node):
            initialise(layer, settings.activation)
        self.after = after_messages(settings)

    def forward(self, nodes: Tensor, pairs: Tensor, ends: Tensor, both: Tensor) -> tuple[Tensor, Tensor]:
        """Map the features of nodes and of pairs to another width.

        Args:
            nodes: [n, nodes, width].
            pairs: [n, pairs, width], each pair once.
            ends: int64 [2 * pairs]: the first node of each pair, then the second of each.
            both: [nodes, 2 * pairs]: sums the messages of pairs to their second nodes, then their first.
        """
        met = both @ (torch.cat((pairs, pairs), 1) * nodes.index_select(1, ends))
        summed = self.node(nodes) + self.from_pairs(met) + self.from_all(nodes.mean(1, keepdim=True))
        nodes = self.after(summed / math.sqrt(3))
        one, other = self.from_node(nodes).index_select(1, ends).chunk(2, 1)
        return nodes, self.after((self.pair(pairs) + one + other) / math.sqrt(3))


def _begin_at(layer: nn.Linear, shares: tuple[float, ...], places: int = 1) -> None:
    """Initialise biases so that types are about as frequent as in the data.

    If nodes have several types, "no node" would otherwise be as likely as each of them, and a generator that
    starts with few nodes ends with none.
    """
    if shares:
        logits = torch.tensor(shares).clamp(min=_RAREST).log()
        with torch.no_grad():
            layer.bias.copy_(logits.repeat_interleave(places))


def _limits(sizes: tuple[tuple[int, ...], ...]) -> Tensor:
    """Return the quantiles of the normal distribution that separate the sizes: float32 [classes, nodes].

    A node exists above its limit.
    """
    counts = torch.tensor(sizes, dtype=torch.float64)
    smaller = (counts.cumsum(1) - counts) / counts.sum(1, keepdim=True)
    limits: Tensor = torch.special.ndtri(smaller)
    return limits.clamp(-_ENDLESS, _ENDLESS).float()


def _places(nodes: int) -> Tensor:
    """Return which of the pairs i < j belongs at each position of a symmetric matrix: int64 [nodes * nodes].

    The values on the diagonal have no meaning.
    """
    across = torch.zeros(nodes, nodes, dtype=torch.int64)
    rows, columns = torch.triu_indices(nodes, nodes, 1)
    across[rows, columns] = across[columns, rows] = torch.arange(len(rows))
    return across.flatten()
