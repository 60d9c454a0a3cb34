"""Find graphs that are equal except for the order of their nodes."""

import numpy as np
from numpy.typing import NDArray

_FEW = 12
"""Up to so many nodes every node is looked at from, which tells apart what plain colours cannot."""
_ROUNDS = 8
_CHUNK_VALUES = 2**22


def graph_keys(graphs: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return a number for each graph that is equal for graphs that differ only in the order of their nodes.

    Colours of nodes are refined by those of their neighbours (Weisfeiler and Leman, 1968). Up to 12 nodes
    this is done once for each node, which first gets a colour of its own, and the results are combined: all
    1,252 graphs of up to seven nodes then have different numbers. Larger, very regular graphs that differ may
    share a number, and are then counted as one.

    Args:
        graphs: uint8 [n, nodes, nodes]; types of absent nodes are 0.

    Returns:
        uint64 [n].
    """
    count, nodes, _ = graphs.shape
    out = np.empty(count, np.uint64)
    views = nodes if nodes <= _FEW else 1
    rows = max(1, _CHUNK_VALUES // (nodes * nodes * views))
    for first in range(0, count, rows):
        out[first : first + rows] = _keys(graphs[first : first + rows], views)
    return out


def _keys(graphs: NDArray[np.uint8], views: int) -> NDArray[np.uint64]:
    nodes = graphs.shape[1]
    types = np.diagonal(graphs, axis1=1, axis2=2).astype(np.uint64)
    there = (types > 0)[:, :, None]
    marked = np.eye(nodes, views, dtype=np.uint64) if views > 1 else np.zeros((nodes, 1), np.uint64)
    colours = _mixed(types[:, :, None] * np.uint64(3) + marked[None] + np.uint64(1))
    edges = np.where(np.eye(nodes, dtype=bool), 0, graphs)
    kinds = [kind for kind in np.unique(edges).tolist() if kind]
    salted = [np.uint64(kind * 0xD1B54A32D192ED03 % 2**64) for kind in kinds]
    matrices = [(salt, (edges == kind).astype(np.uint64)) for salt, kind in zip(salted, kinds, strict=True)]
    for _ in range(min(nodes, _ROUNDS)):
        told = colours * np.uint64(0x9E3779B97F4A7C15)
        for salt, matrix in matrices:
            told = told + matrix @ _mixed(colours + salt)
        colours = _mixed(told) * there
    seen = _mixed(colours.sum(1, dtype=np.uint64))  # [n, views]: the graph as each node sees it
    if views > 1:
        own = colours[:, np.arange(nodes), np.arange(nodes)]
        seen = _mixed(seen + _mixed(own)) * there[:, :, 0]
    sizes = there.sum((1, 2)).astype(np.uint64)
    return _mixed(seen.sum(1, dtype=np.uint64) + sizes)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the finaliser of splitmix64: equal numbers stay equal, others are scattered."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
