"""Graphs from a model in other forms: networkx's and molecules. Libraries are loaded only when called."""

from .convert import NotAMoleculeError, to_networkx, to_rdkit, to_smiles

__all__ = ["NotAMoleculeError", "to_networkx", "to_rdkit", "to_smiles"]
