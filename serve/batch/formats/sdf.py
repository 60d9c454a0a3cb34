"""A shard that is an SD file: one record with its index per valid molecule. Other samples are left out."""

import numpy as np
from numpy.typing import NDArray

from ...card import Card
from ...graphs.convert import NotAMoleculeError, require_molecules, to_rdkit
from ..line_shard import Piece, text_format


def _pieces(card: Card) -> Piece:
    require_molecules(card.data.node_types, card.data.edge_types)
    from rdkit.Chem import MolToMolBlock

    def piece(graph: NDArray[np.uint8], index: int, label: int | None) -> str:
        try:
            molecule = to_rdkit(graph, card.data.node_types, card.data.edge_types)
        except NotAMoleculeError:
            return ""
        molecule.SetProp("_Name", str(index))
        return f"{MolToMolBlock(molecule)}$$$$\n"

    return piece


FORMAT = text_format("sdf", ".sdf", _pieces, ("rdkit",))
