"""What every graph of a data set keeps to: how many edges a node of a type has, and coming in one piece."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.graphs.convert import BONDS, are_molecules

from .dataset import chunks


@dataclass(frozen=True)
class GraphLimits:
    """Limits that no graph of a data set exceeds."""

    weights: tuple[int, ...]
    """How much an edge of each type takes: its order for bonds, 1 for other edges."""
    most: tuple[int, ...]
    """The most that a node of each type has: the sum of its edges' weights."""
    connected: bool
    """True if every graph is in one piece."""


def limits_of(graphs: NDArray[np.uint8], node_types: Sequence[str], edge_types: Sequence[str]) -> GraphLimits:
    """Return the limits of graphs, uint8 [n, nodes, nodes] as in `GraphData`."""
    orders = {name: order for order, name in enumerate(BONDS, 1)}
    molecules = are_molecules(node_types, edge_types)
    weights = np.array([0, *(orders[name] if molecules else 1 for name in edge_types)])
    most, whole = np.zeros(1 + len(node_types), np.int64), True
    for chunk in chunks(graphs):
        nodes = np.diagonal(chunk, axis1=1, axis2=2)
        edges = np.where(np.eye(chunk.shape[1], dtype=bool), 0, chunk)
        np.maximum.at(most, nodes, weights[edges].sum(2))
        whole = whole and bool(connected(chunk).all())
    return GraphLimits(tuple(weights[1:].tolist()), tuple(most[1:].tolist()), whole)


def connected(graphs: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return True for each graph that has a node and is connected: bool [n] from uint8 [n, nodes, nodes]."""
    eye = np.eye(graphs.shape[1], dtype=bool)
    there = np.diagonal(graphs, axis1=1, axis2=2) > 0
    reach = ((graphs > 0) | eye).astype(np.float32)
    for _ in range(max(1, int(np.ceil(np.log2(graphs.shape[1]))))):
        reach = (reach @ reach > 0).astype(np.float32)
    from_first = reach[np.arange(len(graphs)), there.argmax(1)] > 0
    found: NDArray[np.bool_] = there.any(1) & ((from_first & there) == there).all(1)
    return found
