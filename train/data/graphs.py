"""Data sets of graphs as matrices of node and edge types."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .dataset import DataError, TrainingData, check_labels, chunks
from .graph_limits import GraphLimits, limits_of

MOST_NODES = 64
_MOST_TYPES, _MOST_ASSUMED = 255, 16


@dataclass(frozen=True)
class GraphData(TrainingData):
    """Undirected graphs without self-loops, in memory or in a file mapped into memory.

    Attributes:
        graphs: uint8 [n, nodes, nodes], symmetric. The diagonal has the type of each node: 0 for no node,
            otherwise 1 + its index in ``node_types``. The other entries have the type of each edge: 0 for
            no edge, otherwise 1 + its index in ``edge_types``.
        name: Name of the data set, without directories.
        node_types: Names of the node types.
        edge_types: Names of the edge types.
        labels: int64 [n] or None.
        class_names: One name for each class, or empty.
        class_numbers: The data's own number of each class, if `with_classes` has closed gaps
            between them; otherwise empty.
    """

    graphs: NDArray[np.uint8]
    name: str
    node_types: tuple[str, ...] = ("node",)
    edge_types: tuple[str, ...] = ("edge",)
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    class_numbers: tuple[int, ...] = ()

    kind: ClassVar[str] = "graphs"
    limited: ClassVar[bool] = True
    texts: ClassVar[tuple[str, ...]] = ("name", "class_names", "node_types", "edge_types")

    def __post_init__(self) -> None:
        """Refuse an array that is not a set of graphs.

        Raises:
            DataError: The matrices have another type or shape, are too few, too large, not symmetric or all
                equal, or have types without a name or edges to absent nodes.
        """
        graphs = self.graphs
        if graphs.dtype != np.uint8 or graphs.ndim != 3 or graphs.shape[1] != graphs.shape[2]:
            raise DataError(
                f"{self.name}: graphs must be uint8 of shape [n, nodes, nodes], not {graphs.dtype} of shape"
                f" {list(graphs.shape)}"
            )
        count, nodes, _ = graphs.shape
        if count < 2:
            raise DataError(f"{self.name}: {count} graph(s) found, training needs at least 2")
        if not 2 <= nodes <= MOST_NODES:
            raise DataError(
                f"{self.name}: the largest graph has {nodes} nodes, networks take 2 to {MOST_NODES}:"
                f" --size N leaves out graphs of more than N nodes"
            )
        for what, names in (("nodes", self.node_types), ("edges", self.edge_types)):
            if not 1 <= len(names) <= _MOST_TYPES or len(set(names)) != len(names):
                raise DataError(
                    f"{self.name}: types of {what} need 1 to {_MOST_TYPES} different names, not {len(names)}"
                )
        self._require_graphs()
        if all((chunk == graphs[0]).all() for chunk in chunks(graphs)):
            raise DataError(f"{self.name}: all {count} graphs are the same")
        check_labels(self.name, count, self.labels, "graphs")

    @property
    def samples(self) -> NDArray[np.uint8]:
        """The matrices."""
        return self.graphs

    @cached_property
    def fingerprint(self) -> str:
        """``sha256:`` and the digest of shape, types and matrices."""
        head = (self.graphs.shape, self.node_types, self.edge_types)
        digest = hashlib.sha256(repr(head).encode())
        for chunk in chunks(self.graphs):
            digest.update(np.ascontiguousarray(chunk).data)
        return f"sha256:{digest.hexdigest()}"

    @cached_property
    def sizes(self) -> dict[int, int]:
        """Return how many graphs have each number of nodes."""
        found: Counter[int] = Counter()
        for chunk in chunks(self.graphs):
            found.update(np.count_nonzero(np.diagonal(chunk, axis1=1, axis2=2), axis=1).tolist())
        return dict(sorted(found.items()))

    @cached_property
    def sizes_of_classes(self) -> NDArray[np.int64]:
        """Return how many graphs have 1, 2, ... nodes: [classes, nodes], or [1, nodes] without classes."""
        sizes = [
            np.count_nonzero(np.diagonal(part, axis1=1, axis2=2), axis=1) for part in chunks(self.graphs)
        ]
        rows = np.zeros((max(1, self.classes), self.shape[0]), np.int64)
        labels = np.zeros(len(self), np.int64) if self.labels is None else self.labels
        np.add.at(rows, (labels, np.concatenate(sizes) - 1), 1)
        return rows

    @cached_property
    def shares(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the frequency of each node type ("no node" first) and each edge type ("no edge" first).

        Edge types are counted between nodes that exist.
        """
        nodes, edges = np.zeros(1 + len(self.node_types)), np.zeros(1 + len(self.edge_types))
        one, other = np.triu_indices(self.shape[0], 1)
        for chunk in chunks(self.graphs):
            types = np.diagonal(chunk, axis1=1, axis2=2)
            nodes += np.bincount(types.ravel(), minlength=len(nodes))
            both = (types[:, one] > 0) & (types[:, other] > 0)
            edges += np.bincount(chunk[:, one, other][both], minlength=len(edges))
        found = (tuple((counts / max(1, counts.sum())).tolist()) for counts in (nodes, edges))
        return next(found), next(found)

    @cached_property
    def limits(self) -> GraphLimits:
        """Return what every graph keeps to."""
        return limits_of(self.graphs, self.node_types, self.edge_types)

    def _require_graphs(self) -> None:
        """Check that the matrices have the form that the class documents."""
        start = 0
        for chunk in chunks(self.graphs):
            nodes = np.diagonal(chunk, axis1=1, axis2=2)
            edges = np.where(np.eye(chunk.shape[1], dtype=bool), 0, chunk)
            there = nodes > 0
            loose = (edges > 0) & ~(there[:, :, None] & there[:, None, :])
            most = len(self.node_types), len(self.edge_types)
            problems = (
                ((chunk != chunk.transpose(0, 2, 1)).any((1, 2)), "is directed: its matrix is not symmetric"),
                (nodes.max(1) > most[0], f"has a node of a type above {most[0]}"),
                (edges.max((1, 2)) > most[1], f"has an edge of a type above {most[1]}"),
                (loose.any((1, 2)), "has an edge to no node"),
                (~there.any(1), "has no nodes"),
            )
            for wrong, words in problems:
                if wrong.any():
                    raise DataError(f"{self.name}: graph {start + int(wrong.argmax())} {words}")
            start += len(chunk)


def looks_like_graphs(array: NDArray[np.generic]) -> bool:
    """Return True if an array uint8 [n, side, side] holds graphs: symmetric matrices of few small values.

    Pictures are not symmetric and have more than 16 levels.
    """
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[1] != array.shape[2]:
        return False
    if not len(array) or not 2 <= array.shape[1] <= MOST_NODES:
        return False
    return all(
        chunk.max() <= 16
        and bool((chunk == chunk.transpose(0, 2, 1)).all())
        and bool(chunk.any((1, 2)).all())
        for chunk in chunks(array)
    )


def graphs_from_array(
    array: NDArray[np.uint8],
    name: str,
    *,
    node_types: tuple[str, ...] = (),
    edge_types: tuple[str, ...] = (),
    labels: NDArray[np.int64] | None = None,
    class_names: tuple[str, ...] = (),
) -> GraphData:
    """Return graphs from matrices. Types without names are named by their numbers.

    If no diagonal has a value, as in adjacency matrices, every node exists.

    Raises:
        DataError: The array does not hold graphs.
    """
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[1] != array.shape[2] or not array.size:
        raise DataError(
            f"{name}: graphs must be uint8 of shape [n, nodes, nodes], not {array.dtype} of shape"
            f" {list(array.shape)}"
        )
    diagonal = np.diagonal(array, axis1=1, axis2=2)
    if not diagonal.any():
        array = array | np.eye(array.shape[1], dtype=np.uint8)
        diagonal = np.diagonal(array, axis1=1, axis2=2)
    edges = array * (1 - np.eye(array.shape[1], dtype=np.uint8))
    return GraphData(
        np.ascontiguousarray(array),
        name,
        node_types or _numbered(int(diagonal.max(initial=1)), "node"),
        edge_types or _numbered(int(edges.max(initial=1)), "edge"),
        labels,
        class_names,
    )


def _numbered(count: int, what: str) -> tuple[str, ...]:
    return (what,) if count <= 1 else tuple(f"{what} {number}" for number in range(1, count + 1))
