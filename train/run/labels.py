"""Which labels a run learns: the data's classes, or clusters of its pictures."""

from dropgan.serve.reporter import LOGGED, Reporter

from ..data import TrainingData, with_classes, with_clusters
from ..recipes import Recipe


def with_learned_labels(data: TrainingData, recipe: Recipe, reporter: Reporter = LOGGED) -> TrainingData:
    """Return the data with the labels that a recipe learns; unchanged if it learns none.

    Raises:
        DataError: The labels cannot be learned, or the data cannot be divided into clusters.
    """
    if not recipe.conditional:
        return data
    return with_clusters(data, recipe.clusters) if recipe.clusters else with_classes(data, reporter)
