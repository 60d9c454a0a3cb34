"""Graphs as matrices of node and edge types."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..card import Card
from ..errors import ModelError
from ..kind import GRAPHS, PICTURES, Kind, Output


class Graphs(Kind):
    """Symmetric matrices of types; the card's shape is (nodes, nodes)."""

    name: ClassVar[str] = "graphs"
    one: ClassVar[str] = "graph"
    outputs: ClassVar[Mapping[str, Output]] = {
        "graphs": Output("uint8", "uint8 types, of nodes on the diagonal and of edges beside it", "")
    }
    shown_as: ClassVar[str] = PICTURES
    in_browsers: ClassVar[bool] = True
    usual_format: ClassVar[str] = "npy"
    usual_labels: ClassVar[str] = "data"

    def layout(self, card: Card) -> str:
        """Return ``node-node``."""
        return "node-node"

    def output_shape(self, card: Card) -> tuple[int, ...]:
        """Return (nodes, nodes)."""
        data = card.data
        if len(data.shape) != 2 or data.shape[0] != data.shape[1]:
            raise ModelError("the model's card has graphs that are not square matrices")
        if not (1 <= len(data.node_types) <= 255 and 1 <= len(data.edge_types) <= 255):
            raise ModelError("the model's card has graphs without types of nodes and edges")
        return data.shape

    def lacks(self, card: Card, view: str) -> str:
        """Return an empty text for pictures, because a graph can be drawn."""
        return "" if view in (GRAPHS, PICTURES) else "makes graphs"

    def pictures(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        """Draw nodes on a circle, edges as lines and types as colours."""
        from ..graphs.drawing import draw

        return draw(samples)

    def picture_size(self, sample_shape: tuple[int, ...]) -> tuple[int, int]:
        """Return the size of a drawing, which does not depend on the number of nodes."""
        from ..graphs.drawing import SIDE

        return SIDE, SIDE

    def apart(
        self, card: Card, made: NDArray[Any], exact: NDArray[Any], every: int = 1
    ) -> NDArray[np.float64]:
        """Return 1 where types differ, since the numbers of types have no order."""
        apart: NDArray[np.float64] = (made != exact).astype(np.float64)
        return apart


KIND = Graphs()
