"""Convert graphs from a model to networkx graphs and molecules. The libraries are imported on first use."""

from .convert import NotAMoleculeError, to_networkx, to_rdkit, to_smiles

__all__ = ["NotAMoleculeError", "to_networkx", "to_rdkit", "to_smiles"]
