"""Evaluation of the deployed file. Needs the extra ``dropgan[train]``."""

from .domain import DomainNetwork, save_domain
from .errors import FeatureError
from .evaluate import Evaluation, evaluate
from .features import FeatureNetwork, load_features
from .findings import Finding
from .fit import fit_features
from .frechet import FrechetScorer
from .judge import Judgement, judge_samples
from .leading import LeadingMetric, leading_metric
from .scoring import Reference
from .vectors import VectorEvaluation, evaluate_vectors

__all__ = [
    "DomainNetwork",
    "Evaluation",
    "FeatureError",
    "FeatureNetwork",
    "Finding",
    "FrechetScorer",
    "Judgement",
    "LeadingMetric",
    "Reference",
    "VectorEvaluation",
    "evaluate",
    "evaluate_vectors",
    "fit_features",
    "judge_samples",
    "leading_metric",
    "load_features",
    "save_domain",
]
