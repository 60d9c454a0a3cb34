"""Evaluation of the deployed file. Needs the extra ``dropgan[train]``."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dropgan.callable_module import make_callable
from dropgan.train.features.domain import DomainNetwork, save_domain
from dropgan.train.features.errors import FeatureError
from dropgan.train.features.fit import fit_features

from .certificate import certificate
from .evaluate import evaluate
from .features import FeatureNetwork, load_features
from .finding import Finding
from .fitted import features_for
from .frechet import FrechetScorer
from .graphs.evaluation import GraphEvaluation, evaluate_graphs
from .images import Evaluation, evaluate_images
from .judge import Judgement, judge_samples
from .scoring import Reference
from .validation.metric import ValidationMetric, validation_metric
from .vectors import VectorEvaluation, evaluate_vectors

if TYPE_CHECKING:
    from .report import write_report

__all__ = [
    "DomainNetwork",
    "Evaluation",
    "FeatureError",
    "FeatureNetwork",
    "Finding",
    "FrechetScorer",
    "GraphEvaluation",
    "Judgement",
    "Reference",
    "ValidationMetric",
    "VectorEvaluation",
    "certificate",
    "evaluate",
    "evaluate_graphs",
    "evaluate_images",
    "evaluate_vectors",
    "features_for",
    "fit_features",
    "judge_samples",
    "load_features",
    "save_domain",
    "validation_metric",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name != "write_report":  # which brings matplotlib, a second that no score should wait for
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(".report", __name__).write_report


make_callable(__name__)
