"""Convert matrices of types to networkx graphs, rdkit molecules and SMILES."""

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DropganError, InputError, MissingExtraError

BONDS = ("single", "double", "triple")
"""Types of edges of which molecules are made; aromatic rings have single and double bonds in turn."""
_ATOM = re.compile(r"([A-Z][a-z]?)(?:([+-])(\d*))?")


class NotAMoleculeError(DropganError):
    """A graph is not a valid molecule."""


def to_networkx(
    graph: NDArray[np.uint8], node_types: Sequence[str] = (), edge_types: Sequence[str] = ()
) -> Any:
    """Return one sample as a `networkx.Graph` of the nodes that exist, numbered from 0.

    Args:
        graph: uint8 [nodes, nodes] as `Generator.sample` gives them.
        node_types: ``card.data.node_types``. If given, each node has its type as the attribute ``type``.
        edge_types: ``card.data.edge_types``, likewise.

    Raises:
        MissingExtraError: networkx is not installed.
    """
    networkx = library()
    nodes, edges = parts(graph)
    made = networkx.Graph()
    for number, kind in enumerate(nodes):
        made.add_node(number, **({"type": node_types[kind - 1]} if node_types else {}))
    for one, other, kind in edges:
        made.add_edge(one, other, **({"type": edge_types[kind - 1]} if edge_types else {}))
    return made


def to_rdkit(graph: NDArray[np.uint8], node_types: Sequence[str], edge_types: Sequence[str]) -> Any:
    """Return one sample as an rdkit molecule with implicit hydrogens.

    Args:
        graph: uint8 [nodes, nodes] as `Generator.sample` gives them.
        node_types: ``card.data.node_types``: elements with a charge, such as ``N`` and ``O-``.
        edge_types: ``card.data.edge_types``: some of `BONDS`.

    Raises:
        NotAMoleculeError: The graph is empty or not connected, or an atom has too many bonds.
        MissingExtraError: rdkit is not installed.
    """
    chem = rdkit()
    nodes, edges = parts(graph)
    if not nodes:
        raise NotAMoleculeError("has no atoms")
    made = chem.RWMol()
    for kind in nodes:
        match = _ATOM.fullmatch(node_types[kind - 1])
        if match is None:
            raise NotAMoleculeError(
                f"has nodes of type {node_types[kind - 1][:20]!r}, which is not an element"
            )
        try:
            atom = chem.Atom(match[1])
        except RuntimeError as error:
            raise NotAMoleculeError(f"has atoms of unknown element {match[1]}") from error
        if match[2]:
            atom.SetFormalCharge(int(f"{match[2]}{match[3] or 1}"))
        made.AddAtom(atom)
    for one, other, kind in edges:
        name = edge_types[kind - 1]
        if name not in BONDS:
            raise NotAMoleculeError(f"has edges of type {name[:20]!r}, which is not a bond")
        made.AddBond(one, other, getattr(chem.BondType, name.upper()))
    molecule = made.GetMol()
    if chem.SanitizeMol(molecule, catchErrors=True) != chem.SanitizeFlags.SANITIZE_NONE:
        raise NotAMoleculeError("has an atom with more bonds than it can have")
    if len(chem.GetMolFrags(molecule)) > 1:
        raise NotAMoleculeError("is in several pieces")
    return molecule


def to_smiles(
    graphs: NDArray[np.uint8], node_types: Sequence[str], edge_types: Sequence[str]
) -> list[str | None]:
    """Return canonical SMILES of samples uint8 [n, nodes, nodes], with None for each invalid molecule.

    Raises:
        MissingExtraError: rdkit is not installed.
    """
    chem = rdkit()
    found: list[str | None] = []
    for graph in graphs:
        try:
            found.append(chem.MolToSmiles(to_rdkit(graph, node_types, edge_types)))
        except NotAMoleculeError:
            found.append(None)
    return found


def are_molecules(node_types: Sequence[str], edge_types: Sequence[str]) -> bool:
    """Return True if the types are atoms and bonds."""
    elements = all(_ATOM.fullmatch(name) for name in node_types)
    return bool(node_types) and elements and bool(edge_types) and set(edge_types) <= set(BONDS)


def require_molecules(node_types: Sequence[str], edge_types: Sequence[str]) -> None:
    """Refuse types that are not atoms and bonds.

    Raises:
        InputError: They are not.
        MissingExtraError: rdkit is not installed.
    """
    if not are_molecules(node_types, edge_types):
        raise InputError(
            f"this model makes graphs of {', '.join(node_types[:5])}, which are not molecules: use --format"
            " npy"
        )
    rdkit()


def parts(graph: NDArray[np.uint8]) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Return the types of the nodes that exist, and the edges ``(from, to, type)`` with ``from < to``."""
    types = np.diagonal(graph)
    places = np.flatnonzero(types)
    inner = np.triu(graph[np.ix_(places, places)], 1)
    rows, columns = np.nonzero(inner)
    edges = zip(rows.tolist(), columns.tolist(), inner[rows, columns].tolist(), strict=True)
    return types[places].tolist(), list(edges)


def library() -> Any:
    """Return the module networkx.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import networkx
    except ModuleNotFoundError as error:
        raise MissingExtraError("graphs need networkx: pip install 'dropgan[graphs]'") from error
    return networkx


def rdkit() -> Any:
    """Return rdkit's module of chemistry, with its log messages turned off.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        chem, log = import_module("rdkit.Chem"), import_module("rdkit.RDLogger")
    except ModuleNotFoundError as error:
        raise MissingExtraError("molecules need rdkit: pip install 'dropgan[molecules]'") from error
    log.DisableLog("rdApp.*")  # its remarks on impossible molecules go to stderr
    return chem
