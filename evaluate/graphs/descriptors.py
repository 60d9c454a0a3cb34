"""The properties in which graphs are compared: sizes, types, degrees, triangles, connectedness, spectra."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BINS = 32


def adjacency(graphs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 1 for an edge of any type: float32 [n, nodes, nodes]."""
    return (np.where(np.eye(graphs.shape[1], dtype=bool), 0, graphs) > 0).astype(np.float32)


def node_types(graphs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the type of each node, 0 for absent ones: uint8 [n, nodes]."""
    return np.diagonal(graphs, axis1=1, axis2=2)


def degrees(graphs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of nodes with each degree, float64 [n, nodes]."""
    return _shares(adjacency(graphs).sum(2), node_types(graphs) > 0, np.arange(graphs.shape[1] + 1) - 0.5)


def clustering(graphs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a histogram of the local clustering coefficients of nodes, float64 [n, bins]."""
    edges = adjacency(graphs)
    degree = edges.sum(2)
    closed = np.einsum("nij,njk,nki->ni", edges, edges, edges, optimize=True)
    value = closed / np.maximum(degree * (degree - 1), 1)
    return _shares(value, node_types(graphs) > 0, np.linspace(-1e-9, 1 + 1e-6, _BINS + 1))


def spectrum(graphs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a histogram of the eigenvalues of the normalised Laplacian, 0 to 2: float64 [n, bins]."""
    edges = adjacency(graphs).astype(np.float64)
    degree = edges.sum(2)
    root = np.where(degree > 0, np.maximum(degree, 1) ** -0.5, 0)
    laplacian = np.eye(graphs.shape[1]) * (degree > 0)[:, :, None] - root[:, :, None] * edges * root[:, None]
    values = np.linalg.eigvalsh(laplacian)
    absent = (node_types(graphs) == 0).sum(1)  # each adds an eigenvalue 0, and these are among the least
    there = np.argsort(np.argsort(np.abs(values), axis=1, kind="stable"), axis=1) >= absent[:, None]
    return _shares(values, there, np.linspace(-1e-6, 2 + 1e-6, _BINS + 1))


def _shares(
    values: NDArray[np.floating], counted: NDArray[np.bool_], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a histogram of each row's counted values that sums to 1."""
    bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    out = np.zeros((len(values), len(edges) - 1))
    rows = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
    np.add.at(out, (rows[counted], bins[counted]), 1)
    shares: NDArray[np.float64] = out / np.maximum(out.sum(1, keepdims=True), 1)
    return shares


def summaries(graphs: NDArray[np.uint8], kinds_of_nodes: int, kinds_of_edges: int) -> NDArray[np.int64]:
    """Return whole numbers that describe each graph, int64 [n, summaries].

    They are nodes, edges, triangles, largest degree, leaves, nodes of each type, and edges of each type.
    """
    edges, nodes = adjacency(graphs), node_types(graphs)
    degree = edges.sum(2)
    triangles = np.einsum("nij,njk,nki->n", edges, edges, edges, optimize=True) / 6
    columns: list[Any] = [
        (nodes > 0).sum(1),
        edges.sum((1, 2)) / 2,
        triangles,
        degree.max(1),
        (degree == 1).sum(1),
    ]
    columns += [(nodes == kind).sum(1) for kind in range(1, kinds_of_nodes + 1)]
    pairs = np.triu(graphs, 1)
    columns += [(pairs == kind).sum((1, 2)) for kind in range(1, kinds_of_edges + 1)]
    found: NDArray[np.int64] = np.rint(np.stack(columns, 1)).astype(np.int64)
    return found
