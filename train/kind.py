"""The interface of a kind of data in training and evaluation. Each module of `dropgan.train.kinds` is one
kind.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, Generic, TypeVar

from .data import TrainingData
from .data.scaling import Scaling
from .monitor.samples import SamplePicture
from .networks import SampleSpec

D = TypeVar("D", bound=TrainingData)


class TrainingKind(ABC, Generic[D]):
    """A kind of data as all stages with PyTorch see it.

    Attributes:
        name: Name as in a model's card. `dropgan.serve.kinds` has the runtime's side of the same name.
        metric: ``module:function`` that makes the validation metric from data, recipe, the labels of its
            samples and a reporter. It belongs to a later stage and is imported on demand.
        evaluation: ``module:function`` that answers a `dropgan.evaluate.asked.Asked`, imported on demand.
        file_scorer: ``module:function`` that makes a `dropgan.export.Scorer` from data and a reporter,
            imported on demand; empty if a file has no single score.
        bounded: True if the networks' samples lie between -1 and 1.
        has_features: True if an evaluation uses feature networks.
        has_report: True if an evaluation has an HTML report.
    """

    name: ClassVar[str]
    metric: ClassVar[str]
    evaluation: ClassVar[str]
    file_scorer: ClassVar[str] = ""
    bounded: ClassVar[bool] = True
    has_features: ClassVar[bool] = False
    has_report: ClassVar[bool] = False

    @abstractmethod
    def network_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return a sample's shape in the networks from its shape in the data."""

    def spec(self, shape: Sequence[int], classes: int, about: Mapping[str, Any]) -> SampleSpec:
        """Return the networks' view of samples of this shape, from data that `about` describes so."""
        return SampleSpec(self.network_shape(shape), classes, self.bounded, self.described(shape))

    def spec_of(self, data: D, classes: int) -> SampleSpec:
        """Return the networks' view of the samples of a data set."""
        return self.spec(data.shape, classes, self.about(data))

    @abstractmethod
    def described(self, shape: Sequence[int]) -> str:
        """Return a text for samples of this shape, for messages."""

    @abstractmethod
    def scaling(self, data: D) -> Scaling:
        """Return the conversion of samples to the networks' input."""

    @abstractmethod
    def picture(self, data: D, classes: int) -> SamplePicture:
        """Return how samples are shown during training."""

    def about(self, data: D) -> dict[str, Any]:
        """Return what a checkpoint and a card record about data of this kind, besides what they record of
        any.
        """
        return {}

    def facts(self, data: D) -> dict[str, Any]:
        """Return facts about data for programs: ``dropgan data --json``."""
        return {}

    def told(self, data: D) -> list[tuple[str, str]]:
        """Return the same for people: lines of a word (empty if a line continues the one above)
        and a text.
        """
        return []


def load(reference: str) -> Any:
    """Import the object that a kind names as ``module:name``."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)
