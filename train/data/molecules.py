"""Convert rdkit molecules to graphs."""

from typing import Any

from dropgan.serve.graphs.convert import BONDS

from .graph_set import Drawn, UnfitError


def from_smiles(chem: Any, text: str) -> Drawn:
    """Return a molecule from its SMILES.

    Raises:
        UnfitError: It cannot be parsed, or a graph cannot represent it.
    """
    molecule = chem.MolFromSmiles(text)
    if molecule is None:
        raise UnfitError("is SMILES that cannot be parsed")
    return from_molecule(chem, molecule)


def from_molecule(chem: Any, molecule: Any) -> Drawn:
    """Return the graph of a molecule: atoms with their charges, without hydrogens.

    Bonds of aromatic rings become alternating single and double bonds.

    Raises:
        UnfitError: It is not connected, or has unpaired electrons, isotopes or bonds of other kinds.
    """
    try:
        molecule = chem.RemoveHs(molecule)
        chem.Kekulize(molecule, clearAromaticFlags=True)
    except (ValueError, RuntimeError) as error:  # rdkit's own exceptions are among these
        raise UnfitError("cannot be written with single, double and triple bonds") from error
    if len(chem.GetMolFrags(molecule)) > 1:
        raise UnfitError("is several molecules")
    nodes = []
    for atom in molecule.GetAtoms():
        if atom.GetAtomicNum() == 0:
            raise UnfitError("has an unknown atom")
        if atom.GetNumRadicalElectrons() or atom.GetIsotope():
            raise UnfitError("has unpaired electrons or isotopes")
        nodes.append(f"{atom.GetSymbol()}{_charge(atom.GetFormalCharge())}")
    edges = []
    for bond in molecule.GetBonds():
        kind = str(bond.GetBondType()).lower()
        if kind not in BONDS:
            raise UnfitError(f"has a bond of type {kind}")
        edges.append((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), kind))
    return Drawn(nodes, edges)


def _charge(charge: int) -> str:
    sign = "+" if charge > 0 else "-"
    return "" if not charge else sign if abs(charge) == 1 else f"{sign}{abs(charge)}"
