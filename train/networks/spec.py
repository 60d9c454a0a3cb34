"""The specification of samples: everything that networks must know about the data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GraphTypes:
    """The types of nodes and edges, if samples are graphs."""

    node_types: int
    """Number of node types, without absent nodes."""
    edge_types: int
    """Number of edge types, without "no edge"."""
    sizes_vary: bool
    """True if graphs may have fewer nodes than the largest."""
    node_shares: tuple[float, ...] = ()
    """How frequent "no node" and each type of node are in the data, where a generator begins; empty for all
    alike."""
    edge_shares: tuple[float, ...] = ()
    """Frequency of "no edge" and of each edge type."""
    sizes: tuple[tuple[int, ...], ...] = ()
    """Number of graphs of the data with 1, 2, ... nodes, in one row per class or in one row. A generator
    draws sizes as these are; without them it learns which nodes are absent."""

    edge_weights: tuple[int, ...] = ()
    """How much of a node's limit an edge of each type takes; empty without limits."""
    most_edges: tuple[int, ...] = ()
    """The largest sum of its edges' weights that a node of each type has in the data."""
    connected: bool = False
    """True if every graph of the data is in one piece."""

    @property
    def channels(self) -> int:
        """Number of channels: "no edge" and each type of edge, then "no node" and each type of node."""
        return 1 + self.edge_types + 1 + self.node_types


@dataclass(frozen=True)
class SampleSpec:
    """The shape of samples as networks see them, and the number of classes.

    `dropgan.train.kind.TrainingKind` makes it for each kind of data.
    """

    shape: tuple[int, ...]
    """Without the batch: (channels, height, width) of an image, (columns,) of a vector, (channels, nodes,
    nodes) of a graph."""
    classes: int = 0
    """0 in a model without labels; else labels are 0 to ``classes - 1``."""
    bounded: bool = True
    """True if all values lie between -1 and 1."""
    described: str = "such samples"
    """Description for messages."""
    graphs: GraphTypes | None = None
    """Types of nodes and edges; None if samples are not graphs."""

    @property
    def on_grid(self) -> bool:
        """True if samples are [channels, height, width], as convolutions need them."""
        return len(self.shape) == 3 and self.graphs is None
