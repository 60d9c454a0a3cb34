"""The set of all possible graphs, which is known for small graphs without types."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.reporter import SILENT
from dropgan.train.data import GraphData, load_data, require_kind
from dropgan.train.data.graph_limits import connected

from .identity import graph_keys

_LARGEST = 7  # nodes of the graphs in networkx's atlas


@dataclass(frozen=True)
class World:
    """All graphs of the data's sizes, each once; only connected ones if the data are connected.

    Attributes:
        name: Description of the set.
        keys: uint64 [graphs], sorted.
        known: bool [graphs], True for graphs in the training data.
        graphs: uint8 [graphs, nodes, nodes].
    """

    name: str
    keys: NDArray[np.uint64]
    known: NDArray[np.bool_]
    graphs: NDArray[np.uint8]

    def counts(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return how often each graph of the set occurs among ``keys``, some of which may be outside it."""
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        inside = self.keys[places] == keys
        return np.bincount(places[inside], minlength=len(self.keys)).astype(np.int64)

    def scores(self, keys: NDArray[np.uint64]) -> Mapping[str, float]:
        """Return how well graphs cover the set.

        The scores are the coverage of the set, the share of graphs outside the training data that were made,
        and the total variation distance to the uniform distribution.
        """
        counts = self.counts(keys)
        share = counts / len(keys)
        apart = (np.abs(share - 1 / len(share)).sum() + 1 - share.sum()) / 2
        found = {"coverage": float((counts > 0).mean()), "total_variation": float(apart)}
        if not self.known.all():
            found["held_out_coverage"] = float((counts[~self.known] > 0).mean())
        return found


def known_world(data: GraphData) -> World | None:
    """Return the set of all graphs of which the data are a part, or None if it is not known.

    Raises:
        MissingExtraError: networkx is not installed.
    """
    nodes = data.shape[0]
    if nodes > _LARGEST or len(data.node_types) > 1 or len(data.edge_types) > 1:
        return None
    atlas = require_kind(load_data("atlas", reporter=SILENT), GraphData)
    whole, sizes = bool(connected(data.graphs).all()), set(data.sizes)
    has = np.isin(np.count_nonzero(np.diagonal(atlas.graphs, axis1=1, axis2=2), axis=1), list(sizes))
    graphs = atlas.graphs[has & (connected(atlas.graphs) | ~np.bool_(whole))][:, :nodes, :nodes]
    graphs = np.ascontiguousarray(graphs)
    keys = graph_keys(graphs)
    order = np.argsort(keys)
    span = f"{min(sizes)}" if len(sizes) == 1 else f"{min(sizes)} to {max(sizes)}"
    return World(
        f"all {len(keys):,} {'connected ' if whole else ''}graphs of {span} nodes",
        keys[order],
        np.isin(keys[order], graph_keys(data.graphs)),
        graphs[order],
    )
