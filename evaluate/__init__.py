"""Evaluation of the deployed file. Needs the extra ``dropgan[train]``."""

from dropgan.callable_module import make_callable

from .domain import DomainNetwork, save_domain
from .errors import FeatureError
from .evaluate import Evaluation, evaluate
from .features import FeatureNetwork, load_features
from .findings import Finding
from .fit import fit_features
from .frechet import FrechetScorer
from .judge import Judgement, judge_samples
from .scoring import Reference
from .validation.metric import ValidationMetric, validation_metric
from .vectors import VectorEvaluation, evaluate_vectors

__all__ = [
    "DomainNetwork",
    "Evaluation",
    "FeatureError",
    "FeatureNetwork",
    "Finding",
    "FrechetScorer",
    "Judgement",
    "Reference",
    "ValidationMetric",
    "VectorEvaluation",
    "evaluate",
    "evaluate_vectors",
    "fit_features",
    "judge_samples",
    "load_features",
    "save_domain",
    "validation_metric",
]

make_callable(__name__)
