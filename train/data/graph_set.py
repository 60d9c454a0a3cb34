"""Collect single graphs from files and libraries into `GraphData`."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dropgan.serve.reporter import Reporter

from .dataset import DataError
from .graphs import MOST_NODES, GraphData
from .options import DataOptions

_NAMED = 3  # of those left out


@dataclass(frozen=True)
class Drawn:
    """One graph: the types of its nodes, and its edges ``(from, to, type)``."""

    nodes: Sequence[str]
    edges: Sequence[tuple[int, int, str]]


class UnfitError(Exception):
    """A graph cannot be trained on. The text continues the graph's name."""


@dataclass
class GraphSet:
    """Graphs as they are read. Unsuitable ones are counted, named and left out; with ``--strict`` they are
    errors.

    Attributes:
        source: The source as the user named it.
        options: How to read the data; ``size`` is the largest number of nodes.
        reporter: Receives messages about graphs that are left out.
        node_types: Names of the node types in their order; other types are refused. If empty, all types
            are accepted, in the order of their names.
        edge_types: The same for edges.
    """

    source: str
    options: DataOptions
    reporter: Reporter
    node_types: tuple[str, ...] = ()
    edge_types: tuple[str, ...] = ()
    _graphs: list[Drawn] = field(default_factory=list)
    _unfit: Counter[str] = field(default_factory=Counter)
    _examples: list[str] = field(default_factory=list)

    def add(self, name: str, graph: Drawn) -> None:
        """Add a graph."""
        most = self.options.size or MOST_NODES
        if not graph.nodes:
            self.unfit(name, "has no nodes")
        elif len(graph.nodes) > most:
            self.unfit(name, f"has more than {most} nodes")
        elif self.node_types and (strange := set(graph.nodes) - set(self.node_types)):
            self.unfit(name, f"has nodes of unknown type {min(strange)}")
        elif self.edge_types and (strange := {kind for *_, kind in graph.edges} - set(self.edge_types)):
            self.unfit(name, f"has edges of unknown type {min(strange)}")
        else:
            self._graphs.append(graph)

    def unfit(self, name: str, why: str) -> None:
        """Leave a graph out.

        Raises:
            DataError: With ``--strict``.
        """
        if self.options.strict:
            raise DataError(f"{self.source}: {name} {why} (leave out --strict to skip such graphs)")
        self._unfit[why] += 1
        self._examples.append(name)

    def data(self, name: str) -> GraphData:
        """Return all added graphs, with as many nodes as the largest one has.

        Raises:
            DataError: There are too few graphs.
        """
        told = ", ".join(_counted(why, count) for why, count in self._unfit.most_common(_NAMED))
        if others := self._unfit.total() - sum(count for _, count in self._unfit.most_common(_NAMED)):
            told += f", and {others:,} for other reasons"
        if self._unfit:
            shown = ", ".join(self._examples[:_NAMED])
            skipped = self._unfit.total()
            graphs = "graph" if skipped == 1 else "graphs"
            self.reporter.note(f"{self.source}: skipped {skipped:,} {graphs}: {told} (first {shown})")
        if len(self._graphs) < 2:
            raise DataError(
                f"{self.source}: {len(self._graphs)} graph(s) found, training needs at least 2"
                + (f"; skipped: {told}" if told else "")
            )
        node_types = self.node_types or tuple(
            sorted({kind for graph in self._graphs for kind in graph.nodes})
        )
        edge_types = self.edge_types or tuple(
            sorted({kind for graph in self._graphs for *_, kind in graph.edges})
        )
        return GraphData(
            _matrices(self._graphs, node_types, edge_types), name, node_types, edge_types or ("edge",)
        )


def _counted(why: str, count: int) -> str:
    """Return "1 that is directed" or "2 that are directed"."""
    verb, _, rest = why.partition(" ")
    plural = {"is": "are", "has": "have"}.get(verb, verb)
    return f"{count:,} that {verb if count == 1 else plural} {rest}"


def _matrices(graphs: list[Drawn], node_types: Sequence[str], edge_types: Sequence[str]) -> Any:
    size = max(2, *(len(graph.nodes) for graph in graphs))
    node = {kind: number for number, kind in enumerate(node_types, 1)}
    edge = {kind: number for number, kind in enumerate(edge_types, 1)}
    out = np.zeros((len(graphs), size, size), np.uint8)
    for place, graph in enumerate(graphs):
        matrix = out[place]
        for number, kind in enumerate(graph.nodes):
            matrix[number, number] = node[kind]
        for one, other, kind in graph.edges:
            matrix[one, other] = matrix[other, one] = edge[kind]
    return out


def from_networkx(graph: Any) -> Drawn:
    """Convert a networkx graph. The attribute ``type`` of nodes and edges is their type.

    Raises:
        UnfitError: It is directed, has several edges between two nodes, or an edge from a node to itself.
    """
    if graph.is_directed():
        raise UnfitError("is directed")
    if graph.is_multigraph() and any(graph.number_of_edges(a, b) > 1 for a, b in graph.edges()):
        raise UnfitError("has several edges between two nodes")
    places: dict[Hashable, int] = {node: place for place, node in enumerate(graph)}
    edges = []
    for one, other, about in graph.edges(data=True):
        if one == other:
            raise UnfitError("has a node with an edge to itself")
        edges.append((places[one], places[other], str(about.get("type", "edge"))))
    return Drawn([str(about.get("type", "node")) for _, about in graph.nodes(data=True)], edges)


def networkx_data(
    graphs: Iterable[Any], name: str, options: DataOptions, reporter: Reporter, source: str = ""
) -> GraphData:
    """Convert networkx graphs, named by their numbers.

    Raises:
        DataError: Too few of them can be trained on; with ``--strict``, one cannot.
    """
    found = GraphSet(source or name, options, reporter)
    for number, graph in enumerate(graphs):
        try:
            found.add(f"graph {number}", from_networkx(graph))
        except UnfitError as error:
            found.unfit(f"graph {number}", str(error))
    return found.data(name)
