"""Vectors."""

from dropgan.train.data import DataError, VectorData

from ..asked import Asked
from ..real import held_out_vectors
from ..vectors import VectorEvaluation, evaluate_vectors


def answer(asked: Asked) -> VectorEvaluation:
    """The evaluation of a model of vectors.

    Raises:
        DropganError: As for `dropgan.evaluate`.
    """
    if not isinstance(asked.data, VectorData):
        raise DataError(f"{asked.data.name} holds {asked.data.kind} where vectors are needed")
    return evaluate_vectors(
        asked.generator,
        asked.data,
        samples=asked.samples,
        seed=asked.seed,
        held_out=held_out_vectors(asked.held_out, asked.source, asked.reporter),
        name=asked.name,
        reporter=asked.reporter,
    )
