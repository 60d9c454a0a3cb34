"""Structural formulas of molecules, as pictures for a page. rdkit is imported on first use."""

import base64
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.graphs.convert import NotAMoleculeError, rdkit, to_rdkit

_WIDTH, _HEIGHT = 130, 110


def formulas(
    graphs: NDArray[np.uint8], node_types: tuple[str, ...], edge_types: tuple[str, ...]
) -> list[tuple[str, str] | None]:
    """Return the formula of each graph, uint8 [n, nodes, nodes], as a data URI of SVG and its SMILES; None
    for one that is no molecule, and for all where rdkit cannot draw.

    Raises:
        MissingExtraError: rdkit is not installed.
    """
    chem, drawing = rdkit(), _drawing()
    if drawing is None:
        return [None] * len(graphs)
    found: list[tuple[str, str] | None] = []
    for graph in graphs:
        try:
            molecule = to_rdkit(graph, node_types, edge_types)
        except NotAMoleculeError:
            found.append(None)
            continue
        canvas = drawing.MolDraw2DSVG(_WIDTH, _HEIGHT)
        canvas.drawOptions().bondLineWidth = 1
        drawing.PrepareAndDrawMolecule(canvas, molecule)
        canvas.FinishDrawing()
        svg = base64.b64encode(canvas.GetDrawingText().encode()).decode()
        found.append((f"data:image/svg+xml;base64,{svg}", chem.MolToSmiles(molecule)))
    return found


def _drawing() -> Any:
    try:
        return import_module("rdkit.Chem.Draw.rdMolDraw2D")
    except ImportError:  # it needs libraries of X11, which small container images lack
        return None
