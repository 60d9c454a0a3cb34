"""A shard that is a graph6 file: one line per graph. The format holds edges only."""

import numpy as np
from numpy.typing import NDArray

from ...card import Card
from ...errors import InputError
from ...graphs.convert import library, to_networkx
from ..line_shard import Piece, text_format


def _pieces(card: Card) -> Piece:
    if len(card.data.node_types) > 1 or len(card.data.edge_types) > 1:
        raise InputError(
            "graph6 holds no types of nodes and edges, and this model makes graphs with types: use --format"
            " npy or parquet"
        )
    to_graph6_bytes = library().to_graph6_bytes

    def piece(graph: NDArray[np.uint8], index: int, label: int | None) -> str:
        code: bytes = to_graph6_bytes(to_networkx(graph), header=False)
        return code.decode()

    return piece


FORMAT = text_format("graph6", ".g6", _pieces, ("networkx",))
