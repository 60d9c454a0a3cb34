"""Evaluation of vectors."""

from pathlib import Path

from dropgan.train.data import VectorData, require_kind

from ..asked import Asked
from ..real import held_out_vectors
from ..vectors import VectorEvaluation, evaluate_vectors


def answer(asked: Asked) -> VectorEvaluation:
    """Evaluate a model of vectors, and write its report if requested.

    Raises:
        DropganError: As for `dropgan.evaluate`.
    """
    evaluation = evaluate_vectors(
        asked.generator,
        require_kind(asked.data, VectorData),
        samples=asked.samples,
        seed=asked.seed,
        held_out=held_out_vectors(asked.held_out, asked.source, asked.reporter),
        name=asked.name,
        reporter=asked.reporter,
    )
    if asked.report is not None:
        from ..table_report import write_table_report  # which brings matplotlib

        asked.reporter.say("drawing the report")
        write_table_report(evaluation, Path(asked.report))
    return evaluation
