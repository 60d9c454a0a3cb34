"""Evaluation of graphs."""

from pathlib import Path

from dropgan.train.data import GraphData, require_kind

from ..asked import Asked
from ..graphs.evaluation import GraphEvaluation, evaluate_graphs
from ..real import held_out_graphs


def answer(asked: Asked) -> GraphEvaluation:
    """Evaluate a model of graphs, and write its report if requested.

    Raises:
        DropganError: As for `dropgan.evaluate`.
    """
    data = require_kind(asked.data, GraphData)
    evaluation = evaluate_graphs(
        asked.generator,
        data,
        samples=asked.samples,
        seed=asked.seed,
        held_out=held_out_graphs(asked.held_out, asked.source, asked.reporter),
        name=asked.name,
        reporter=asked.reporter,
    )
    if asked.report is not None:
        from ..graphs.report import write_report  # which brings jinja2

        asked.reporter.say("drawing the report")
        write_report(evaluation, Path(asked.report))
    return evaluation
