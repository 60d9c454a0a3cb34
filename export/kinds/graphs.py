"""Export of graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..deployment import Deployment, Wanted
from ..ending import Ending, Tolerance, Tolerances
from ..errors import ExportError

if TYPE_CHECKING:
    import onnx
    from torch import Tensor

TOLERANCES: Tolerances = {
    # where two types are as likely to 1e-6, float32 may choose either: in one graph of a hundred thousand, in
    # which up to a dozen entries change with generator.edge_limits
    ("fp32", "graphs"): Tolerance(1, 3e-5),
}


class GraphEnding(Ending):
    """Takes the most likely type of each node and edge; edges to absent nodes become 0."""

    value: ClassVar[str] = "graphs"
    tolerances: ClassVar[Tolerances] = TOLERANCES
    output = "graphs"
    layout = "node-node"
    meaning = "types of nodes on the diagonal, of edges beside it, 0 for none; batch, node, node"

    def __init__(self, nodes: int, node_types: int, edge_types: int) -> None:
        self.nodes, self.node_types, self.edge_types = nodes, node_types, edge_types

    def require(self, shape: tuple[int, ...]) -> None:
        """Require (channels, nodes, nodes)."""
        expected = (2 + self.edge_types + self.node_types, self.nodes, self.nodes)
        if shape != expected:
            raise ExportError(f"the generator must make graphs [n, {list(expected)}], not [n, {list(shape)}]")

    def append(self, model: onnx.ModelProto, shape: tuple[int, ...]) -> None:
        """Add the largest entries, the removal of edges to absent nodes, and one matrix."""
        from ..postprocessing import append_types

        append_types(model, self.nodes, 1 + self.edge_types)

    def apply(self, made: Tensor) -> Tensor:
        """Return uint8 [n, nodes, nodes]."""
        from dropgan.train.networks.graphs.discrete import types_of
        from dropgan.train.networks.spec import GraphTypes

        return types_of(made, GraphTypes(self.node_types, self.edge_types, sizes_vary=True))

    def apart(self, made: NDArray[Any], exact: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """Return 1 where types differ."""
        apart: NDArray[np.floating[Any]] = (made != exact).astype(np.float32)
        return apart


class Graphs(Deployment):
    """One output in fp32 only: a type is chosen by comparing numbers, so none may be rounded."""

    name: ClassVar[str] = "graphs"
    tolerances: ClassVar[Tolerances] = TOLERANCES

    def ending(self, data: dict[str, Any], wanted: Wanted) -> GraphEnding:
        """Return the ending for the training data's types."""
        if wanted.output not in ("", GraphEnding.output) or wanted.layout:
            raise ExportError("this run makes graphs: output pixels or float and layouts are for images")
        if wanted.precision != "fp32":
            raise ExportError(
                f"precision {wanted.precision} is not for graphs: rounding would change which type is the"
                " likeliest; use --precision fp32"
            )
        return GraphEnding(data["shape"][0], len(data["node_types"]), len(data["edge_types"]))


DEPLOYMENT = Graphs()
