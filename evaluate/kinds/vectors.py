"""Vectors."""

from dropgan.train.data import VectorData, require_kind

from ..asked import Asked
from ..real import held_out_vectors
from ..vectors import VectorEvaluation, evaluate_vectors


def answer(asked: Asked) -> VectorEvaluation:
    """The evaluation of a model of vectors.

    Raises:
        DropganError: As for `dropgan.evaluate`.
    """
    return evaluate_vectors(
        asked.generator,
        require_kind(asked.data, VectorData),
        samples=asked.samples,
        seed=asked.seed,
        held_out=held_out_vectors(asked.held_out, asked.source, asked.reporter),
        name=asked.name,
        reporter=asked.reporter,
    )
