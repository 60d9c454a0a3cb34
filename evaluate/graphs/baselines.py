"""Models of graphs without a network, fitted to the same data: what a generator must beat."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from dropgan.train.data import GraphData

_BLOCKS, _ROUNDS, _MOST, _ENUMERATED = 2, 60, 1000, 9
_LEAST = 1e-6


@dataclass(frozen=True)
class BlockModel:
    """A stochastic block model (Holland, Laskey, Leinhardt, 1983) of graphs with types.

    It draws the number of nodes as in the data, then the block of each node, then the node's type given its
    block, then each edge, or its absence, given the blocks of its two nodes. With one block it is the model
    of Erdős and Rényi (1959).

    Attributes:
        sizes: Probability of each number of nodes, float64 [nodes + 1].
        blocks: Probability of each block, float64 [blocks].
        nodes: Probabilities of node types, float64 [blocks, 1 + node types]; absent nodes have 0.
        edges: Probabilities of edge types, float64 [blocks, blocks, 1 + edge types], symmetric.
    """

    sizes: NDArray[np.float64]
    blocks: NDArray[np.float64]
    nodes: NDArray[np.float64]
    edges: NDArray[np.float64]

    def sample(self, count: int, seed: int) -> NDArray[np.uint8]:
        """Draw graphs uint8 [count, nodes, nodes]."""
        random, most = np.random.default_rng(seed), len(self.sizes) - 1
        there = np.arange(most) < random.choice(most + 1, count, p=self.sizes)[:, None]
        block = random.choice(len(self.blocks), (count, most), p=self.blocks)
        types = _drawn(self.nodes[block], random)
        rows, columns = np.triu_indices(most, 1)
        kinds = _drawn(self.edges[block[:, rows], block[:, columns]], random)
        out = np.zeros((count, most, most), np.uint8)
        out[:, rows, columns] = kinds * (there[:, rows] & there[:, columns])
        out += out.transpose(0, 2, 1)
        out[:, np.arange(most), np.arange(most)] = types * there
        return out


def fit_blocks(data: GraphData, blocks: int = _BLOCKS, seed: int = 0) -> BlockModel:
    """Fit by expectation-maximisation, exactly over all assignments of nodes to blocks.

    Args:
        data: The graphs; at most 1,000 of them are used, evenly spread.
        blocks: Number of blocks. Graphs of more than 9 nodes use one, because there would be too many
            assignments.
        seed: Seed of the initial model.
    """
    rows = np.linspace(0, len(data) - 1, min(len(data), _MOST)).astype(np.int64)
    graphs = np.asarray(data.graphs[rows])
    count, most, _ = graphs.shape
    blocks = blocks if most <= _ENUMERATED else 1
    types = np.diagonal(graphs, axis1=1, axis2=2).astype(np.int64)
    kinds = graphs[:, *np.triu_indices(most, 1)].astype(np.int64)
    sizes = np.bincount((types > 0).sum(1), minlength=most + 1) / count
    choices = np.array(list(product(range(blocks), repeat=most)))  # [assignments, nodes]
    model = _first_guess(data, sizes, blocks, seed)
    for _ in range(_ROUNDS if blocks > 1 else 1):
        share = _assigned(model, choices, types, kinds)
        model = _fitted(model, choices, types, kinds, share)
    return model


def _first_guess(data: GraphData, sizes: NDArray[np.float64], blocks: int, seed: int) -> BlockModel:
    """Return initial blocks that differ. Equal ones would stay equal."""
    random = np.random.default_rng(seed)
    node = random.dirichlet(np.ones(len(data.node_types)), blocks)
    edge = random.dirichlet(np.ones(1 + len(data.edge_types)), (blocks, blocks))
    return BlockModel(
        sizes,
        np.full(blocks, 1 / blocks),
        np.concatenate((np.zeros((blocks, 1)), node), 1),
        (edge + edge.transpose(1, 0, 2)) / 2,
    )


def _assigned(
    model: BlockModel, choices: NDArray[np.int64], types: NDArray[np.int64], kinds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the probability of each assignment of nodes to blocks, float64 [graphs, assignments]."""
    most, logs = types.shape[1], np.zeros((len(types), len(choices)))
    there = types > 0
    log_block, log_edge = np.log(model.blocks), np.log(model.edges)
    log_node = np.log(np.maximum(model.nodes, _LEAST))
    for place in range(most):
        own = log_block[choices[:, place]] + log_node[choices[:, place]][:, types[:, place]].T
        logs += np.where(there[:, place : place + 1], own, 0)
    for pair, (i, j) in enumerate(zip(*np.triu_indices(most, 1), strict=True)):
        met = log_edge[choices[:, i], choices[:, j]][:, kinds[:, pair]].T
        logs += np.where((there[:, i] & there[:, j])[:, None], met, 0)
    share: NDArray[np.float64] = np.exp(logs - logs.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    return share


def _fitted(
    model: BlockModel,
    choices: NDArray[np.int64],
    types: NDArray[np.int64],
    kinds: NDArray[np.int64],
    share: NDArray[np.float64],
) -> BlockModel:
    """Return the maximum-likelihood model, given the probabilities of assignments."""
    most, blocks, there = types.shape[1], len(model.blocks), types > 0
    block = np.full(blocks, _LEAST)
    node, edge = np.full_like(model.nodes, _LEAST), np.full_like(model.edges, _LEAST)
    for place in range(most):
        in_block = np.stack([share[:, choices[:, place] == b].sum(1) for b in range(blocks)], 1)
        in_block *= there[:, place : place + 1]
        block += in_block.sum(0)
        np.add.at(node.T, types[:, place], in_block)
    for pair, (i, j) in enumerate(zip(*np.triu_indices(most, 1), strict=True)):
        for a, b in product(range(blocks), repeat=2):
            weight = share[:, (choices[:, i] == a) & (choices[:, j] == b)].sum(1)
            weight *= there[:, i] & there[:, j]
            found = np.bincount(kinds[:, pair], weights=weight, minlength=edge.shape[2])
            edge[a, b] += found
            edge[b, a] += found
    node[:, 0] = 0
    return BlockModel(
        model.sizes,
        block / block.sum(),
        node / node.sum(1, keepdims=True),
        edge / edge.sum(2, keepdims=True),
    )


def _drawn(probabilities: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw from each row of probabilities [..., kinds]."""
    below = random.random(probabilities.shape[:-1])[..., None] >= probabilities.cumsum(-1)[..., :-1]
    drawn: NDArray[np.uint8] = below.sum(-1).astype(np.uint8)
    return drawn
