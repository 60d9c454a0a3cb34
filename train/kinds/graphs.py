"""Training's side of graphs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from numpy.typing import NDArray
from torch import Tensor

from dropgan.serve.graphs.drawing import draw
from dropgan.serve.pictures import encode_png, grid
from dropgan.serve.printable import printable

from ..data import GraphData
from ..data.scaling import Scaling
from ..kind import TrainingKind
from ..monitor.samples import SamplePicture
from ..networks import SampleSpec
from ..networks.graphs.discrete import one_hot, types_of
from ..networks.spec import GraphTypes

_DRAWN, _ACROSS, _TOLD = 64, 8, 12


class TypesScaling:
    """Converts types to one-hot channels."""

    drawn = 0

    def __init__(self, types: GraphTypes) -> None:
        self._types = types

    def arranged(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return matrices unchanged."""
        return samples

    def __call__(self, samples: Tensor, random: Tensor | None) -> Tensor:
        """Return float32 [n, channels, nodes, nodes] from uint8 [n, nodes, nodes]."""
        return one_hot(samples, self._types)


class Graphs(TrainingKind[GraphData]):
    """Undirected graphs with types of nodes and edges, one-hot in networks."""

    name: ClassVar[str] = "graphs"
    metric: ClassVar[str] = "dropgan.evaluate.validation.graphs:graph_metric"
    evaluation: ClassVar[str] = "dropgan.evaluate.kinds.graphs:answer"
    has_report: ClassVar[bool] = True

    def network_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return (nodes, nodes). The channels depend on the types, see `spec`."""
        nodes, _ = shape
        return nodes, nodes

    def spec(self, shape: Sequence[int], classes: int, about: Mapping[str, Any]) -> SampleSpec:
        """Return the shape with the channels of the types."""
        sizes = [tuple(map(int, row)) for row in about.get("sizes", ())]
        if classes == 0 and sizes:
            sizes = [tuple(map(sum, zip(*sizes, strict=True)))]
        types = GraphTypes(
            len(about["node_types"]),
            len(about["edge_types"]),
            bool(about["sizes_vary"]),
            tuple(about.get("node_shares", ())),
            tuple(about.get("edge_shares", ())),
            tuple(sizes),
            tuple(about.get("edge_weights", ())),
            tuple(about.get("most_edges", ())),
            bool(about.get("connected", False)),
        )
        plain = super().spec(shape, classes, about)
        return replace(plain, shape=(types.channels, *plain.shape), graphs=types)

    def described(self, shape: Sequence[int]) -> str:
        """Return the largest number of nodes as text."""
        nodes, _ = shape
        return f"graphs of up to {nodes} nodes"

    def scaling(self, data: GraphData) -> Scaling:
        """Return the one-hot scaling."""
        return TypesScaling(_types(data))

    def picture(self, data: GraphData, classes: int) -> SamplePicture:
        """Return how to draw graphs."""
        types = _types(data)

        def shown(samples: Tensor) -> bytes:
            return encode_png(grid(draw(types_of(samples, types).numpy()), _ACROSS))

        return SamplePicture(_DRAWN, shown)

    def about(self, data: GraphData) -> dict[str, Any]:
        """Return types, their frequencies, the distribution of sizes (for each class if there are any), and
        the limits of the edges."""
        nodes, edges = data.shares
        return {
            "node_types": list(data.node_types),
            "edge_types": list(data.edge_types),
            "sizes_vary": _types(data).sizes_vary,
            "node_shares": list(nodes),
            "edge_shares": list(edges),
            "sizes": [row.tolist() for row in data.sizes_of_classes],
            "edge_weights": list(data.limits.weights),
            "most_edges": list(data.limits.most),
            "connected": data.limits.connected,
        }

    def facts(self, data: GraphData) -> dict[str, Any]:
        """Return types and sizes."""
        return {
            "nodes": data.shape[0],
            "node_types": list(data.node_types),
            "edge_types": list(data.edge_types),
            "sizes": data.sizes,
        }

    def told(self, data: GraphData) -> list[tuple[str, str]]:
        """Return types and sizes as text."""
        sizes = ", ".join(f"{count:,} of {size}" for size, count in list(data.sizes.items())[:_TOLD])
        more = ", and more" if len(data.sizes) > _TOLD else ""
        return [
            ("nodes", f"{sizes}{more}"),
            ("types", f"{_listed(data.node_types)}; edges {_listed(data.edge_types)}"),
        ]


def _types(data: GraphData) -> GraphTypes:
    smaller = any(size < data.shape[0] for size in data.sizes)
    return GraphTypes(len(data.node_types), len(data.edge_types), smaller)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(printable(name) for name in names[:_TOLD]) + more


KIND = Graphs()
