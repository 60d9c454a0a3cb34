"""A shard that is a SMILES file: one line with its index per valid molecule. Other samples are left out."""

import numpy as np
from numpy.typing import NDArray

from ...card import Card
from ...graphs.convert import require_molecules, to_smiles
from ..line_shard import Piece, text_format


def _pieces(card: Card) -> Piece:
    require_molecules(card.data.node_types, card.data.edge_types)

    def piece(graph: NDArray[np.uint8], index: int, label: int | None) -> str:
        (text,) = to_smiles(graph[None], card.data.node_types, card.data.edge_types)
        return f"{text} {index}\n" if text else ""

    return piece


FORMAT = text_format("smiles", ".smi", _pieces, ("rdkit",))
