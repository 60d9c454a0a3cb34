"""Evaluation of the deployed file. Needs the extra ``dropgan[train]``."""

from .domain import FeatureError
from .evaluate import evaluate
from .frechet import FrechetScorer

__all__ = ["FeatureError", "FrechetScorer", "evaluate"]
