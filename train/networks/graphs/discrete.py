"""Convert logits of nodes and edges to graphs and back.

A sample is float [n, channels, nodes, nodes]. The first channels are those of edges: "no edge" and each type,
off the diagonal. The others are those of nodes: "no node" and each type, on the diagonal. In real samples,
and in generated ones during training, each position has a single 1 (one-hot). A generator in eval mode
returns logits in the same layout; `types_of` accepts both.
"""

import torch
from torch import Tensor

from ..spec import GraphTypes
from .limits import EdgeLimits

NEVER = -1e4
"""Logit of what cannot be; float16 can hold it."""


def laid_out(edges: Tensor, nodes: Tensor) -> Tensor:
    """Arrange both kinds of logits in the layout of a sample, float32.

    Args:
        edges: [n, 1 + edge types, nodes, nodes], symmetric.
        nodes: [n, 1 + node types, nodes].
    """
    eye = torch.eye(nodes.shape[2], device=nodes.device, dtype=torch.float32)
    return torch.cat((edges.float() * (1 - eye), nodes.float()[..., None] * eye), 1)


def discretised(
    edges: Tensor, nodes: Tensor, *, temperature: float, noise: bool, limits: EdgeLimits | None = None
) -> Tensor:
    """Return one-hot graphs whose gradient is that of softmax: the straight-through estimator.

    Bengio, Léonard, Courville, "Estimating or propagating gradients through stochastic neurons for
    conditional computation", 2013. With noise it is the straight-through Gumbel-softmax (Jang, Gu, Poole,
    ICLR 2017): a draw from the types' probabilities instead of the most likely type.

    Edges to absent nodes become "no edge".

    Args:
        edges: Logits [n, 1 + edge types, nodes, nodes], symmetric.
        nodes: Logits [n, 1 + node types, nodes].
        temperature: Temperature of the softmax that gives the gradient.
        noise: Add Gumbel noise from torch's global generator.
        limits: Chooses the types of edges in place of their largest logits; the gradient stays.

    Returns:
        float32 [n, channels, nodes, nodes].
    """
    edges, nodes = edges.float(), nodes.float()
    if noise:
        drawn = _gumbel(edges)
        edges, nodes = edges + drawn.triu(1) + drawn.triu(1).transpose(2, 3), nodes + _gumbel(nodes)
    chosen = edges.argmax(1) if limits is None else limits(edges, nodes)
    edge = _straight_through(edges, chosen, temperature)
    node = _straight_through(nodes, nodes.argmax(1), temperature)
    there = 1 - node[:, 0]
    both = (there[:, None, :, None] * there[:, None, None, :]).expand_as(edge[:, :1])
    present = edge[:, 1:] * both
    return laid_out(torch.cat((1 - both + edge[:, :1] * both, present), 1), node)


def only(edges: Tensor, chosen: Tensor) -> Tensor:
    """Return logits of edges, [n, 1 + edge types, nodes, nodes], of which those of the chosen types, int64
    [n, nodes, nodes], are the largest."""
    numbers = torch.arange(edges.shape[1], device=edges.device)[:, None, None]
    return torch.where(chosen[:, None] == numbers, edges, NEVER)


def types_of(samples: Tensor, types: GraphTypes) -> Tensor:
    """Return types uint8 [n, nodes, nodes], as in data, from samples or logits [n, channels, nodes, nodes].

    Of equal entries the first wins. Edges to absent nodes become 0.
    """
    edge_channels = 1 + types.edge_types
    edges = samples[:, :edge_channels].argmax(1)
    nodes = torch.diagonal(samples[:, edge_channels:], dim1=2, dim2=3).argmax(1)
    there = (nodes > 0).long()
    eye = torch.eye(samples.shape[2], dtype=torch.int64, device=samples.device)
    edges = edges * (1 - eye) * there[:, :, None] * there[:, None, :]
    return (edges + torch.diag_embed(nodes)).to(torch.uint8)


def one_hot(types: Tensor, spec: GraphTypes) -> Tensor:
    """Return samples, float32 one-hot, from types uint8 [n, nodes, nodes]."""
    numbers = types.long()
    nodes = torch.diagonal(numbers, dim1=1, dim2=2)
    edge = torch.nn.functional.one_hot(numbers - torch.diag_embed(nodes), 1 + spec.edge_types).permute(
        0, 3, 1, 2
    )
    node = torch.nn.functional.one_hot(nodes, 1 + spec.node_types).transpose(1, 2)
    return laid_out(edge, node)


def _gumbel(like: Tensor) -> Tensor:
    return -torch.log(-torch.log(torch.rand_like(like).clamp(1e-9, 1 - 1e-7)))


def _straight_through(logits: Tensor, chosen: Tensor, temperature: float) -> Tensor:
    soft = torch.softmax(logits / temperature, 1)
    hard = torch.zeros_like(soft).scatter_(1, chosen[:, None], 1.0)
    return hard + (soft - soft.detach())  # in this order 0 and 1 to the bit
