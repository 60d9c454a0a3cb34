"""Valences and properties of molecules. rdkit is imported on first use."""

from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.graphs.convert import NotAMoleculeError, rdkit, to_rdkit

PROPERTIES = ("molecular weight", "logP", "polar surface", "rings")
_MOST = 2000


@dataclass(frozen=True)
class Molecules:
    """Samples as molecules.

    Attributes:
        possible: bool [n], True for valid molecules.
        wrong: Number of samples by the reason why they are invalid.
        properties: float64 [m, 4] of the first valid ones, in the order of `PROPERTIES`.
    """

    possible: NDArray[np.bool_]
    wrong: Counter[str]
    properties: NDArray[np.float64]


def as_molecules(
    graphs: NDArray[np.uint8], node_types: tuple[str, ...], edge_types: tuple[str, ...]
) -> Molecules:
    """Interpret graphs uint8 [n, nodes, nodes] as molecules.

    Raises:
        MissingExtraError: rdkit is not installed.
    """
    rdkit()  # says so where it is missing
    described: Any = import_module("rdkit.Chem.rdMolDescriptors")
    possible, wrong = np.zeros(len(graphs), np.bool_), Counter[str]()
    found: list[tuple[float, ...]] = []
    for place, graph in enumerate(graphs):
        try:
            molecule = to_rdkit(graph, node_types, edge_types)
        except NotAMoleculeError as error:
            wrong[str(error)] += 1
            continue
        possible[place] = True
        if len(found) < _MOST:
            found.append(
                (
                    described.CalcExactMolWt(molecule),
                    described.CalcCrippenDescriptors(molecule)[0],
                    described.CalcTPSA(molecule),
                    described.CalcNumRings(molecule),
                )
            )
    return Molecules(possible, wrong, np.array(found, np.float64).reshape(-1, len(PROPERTIES)))


def property_distances(made: NDArray[np.float64], real: NDArray[np.float64]) -> dict[str, float]:
    """Return the Wasserstein-1 distance of each property, in standard deviations of the real one."""
    apart = {}
    places = np.linspace(0, 1, 201)
    for place, name in enumerate(PROPERTIES):
        one, other = (np.quantile(values[:, place], places) for values in (made, real))
        apart[name] = float(np.abs(one - other).mean() / max(real[:, place].std(), 1e-9))
    return apart
