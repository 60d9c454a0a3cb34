"""The report of graphs: one HTML file with scores, drawings and the most frequent mistakes."""

import base64
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.atomic import write_text
from dropgan.serve.graphs.convert import are_molecules, parts
from dropgan.serve.graphs.drawing import EDGE_COLOURS, NODE_COLOURS, draw
from dropgan.serve.pictures import encode_png, grid

from ..page import page_environment
from .evaluation import GraphEvaluation
from .formulas import formulas

_PNG = "data:image/png;base64,"
_MEANING = {
    "validity": "possible graphs: in one piece, and molecules that chemistry allows",
    "uniqueness": "different graphs among the possible ones",
    "novelty": "of these, graphs that are not in the training data",
    "copies": "samples that are in the training data",
    "degree_mmd": "distance of the degrees, 0 for equal ones",
    "clustering_mmd": "distance of the clustering coefficients, 0 for equal ones",
    "spectrum_mmd": "distance of the spectra, 0 for equal ones",
    "coverage": "share of all graphs there are that are made",
    "held_out_coverage": "share of the graphs outside the training data that are made",
    "total_variation": "distance to all graphs being as likely, 0 at best and 1 at worst",
}


def write_report(evaluation: GraphEvaluation, path: Path | str) -> None:
    """Write the report of an evaluation of graphs as one self-contained HTML file.

    Raises:
        OutputError: The file cannot be written.
    """
    environment = page_environment("dropgan.evaluate.graphs")
    drawings = evaluation.drawings
    pictures = [
        ("Graphs of the data", drawings.real),
        ("Generated graphs, not chosen", drawings.made),
        ("The graphs that are generated most often, the most frequent first", drawings.often),
    ]
    held_out = {score.name: score.value for score in evaluation.held_out_scores}
    rows = []
    for score in evaluation.scores:
        metric = score.name.removesuffix("_graphs")
        beside = [(name, scores[metric]) for name, scores in evaluation.baselines.items()]
        rows.append((metric, _MEANING[metric], score.value, held_out.get(score.name), beside))
    data = evaluation.card.data
    shown = [(title, _drawn(graphs, data.node_types, data.edge_types)) for title, graphs in pictures]
    named = [*_named(data.node_types, NODE_COLOURS, "node"), *_named(data.edge_types, EDGE_COLOURS, "edge")]
    page = environment.get_template("report.html.j2").render(
        evaluation=evaluation,
        card=evaluation.card,
        rows=rows,
        pictures=shown,
        types=named if any(picture.startswith(_PNG) for _, drawn in shown for picture, _ in drawn) else [],
    )
    write_text(path, page)


def _drawn(
    graphs: NDArray[np.uint8], node_types: tuple[str, ...], edge_types: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Return a picture and a description of each graph: a molecule's formula, else nodes on a circle."""
    known = (
        formulas(graphs, node_types, edge_types)
        if are_molecules(node_types, edge_types)
        else [None] * len(graphs)
    )
    return [formula or _circle(graph) for graph, formula in zip(graphs, known, strict=True)]


def _circle(graph: NDArray[np.uint8]) -> tuple[str, str]:
    png = encode_png(grid(draw(graph[None]), 1, scale=2))
    nodes, edges = parts(graph)
    described = f"a graph of {len(nodes)} nodes and {len(edges)} edges"
    return _PNG + base64.b64encode(png).decode(), described


def _named(names: tuple[str, ...], colours: NDArray[np.float32], what: str) -> list[tuple[str, str]]:
    """Return each type with the colour in which it is drawn."""
    shown = []
    for number, name in enumerate(names):
        red, green, blue = colours[number % len(colours)].astype(int).tolist()
        shown.append((f"rgb({red}, {green}, {blue})", name if name == what else f"{what} {name}"))
    return shown
