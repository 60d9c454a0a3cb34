"""What training and evaluation ask of a kind of data. The kinds are in `dropgan.train.kinds`, one a file."""

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
    """A kind of data, as everything that has PyTorch sees it.

    Attributes:
        name: As in a model's card; `dropgan.serve.kinds` has the runtime's side of the same name.
        metric: ``module:function`` that makes the metric that training watches, from data, recipe and the
            labels of its samples. It belongs to a later stage, and is loaded when it is asked for.
        evaluation: ``module:function`` that answers a `dropgan.evaluate.asked.Asked`, loaded likewise.
        file_scorer: ``module:function`` that makes a `dropgan.export.Scorer` from data and a reporter, loaded
            likewise; empty where a file has no one score.
        bounded: Whether all that networks see lies between -1 and 1.
        has_features: Whether an evaluation looks through feature networks.
        has_report: Whether an evaluation has an HTML report.
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
        """The shape of a sample as networks have it, from that which data have."""

    def spec(self, shape: Sequence[int], classes: int, about: Mapping[str, Any]) -> SampleSpec:
        """What networks must know of samples of such a shape, and of data of which `about` says this."""
        return SampleSpec(self.network_shape(shape), classes, self.bounded, self.described(shape))

    def spec_of(self, data: D, classes: int) -> SampleSpec:
        """What networks must know of samples like those of data."""
        return self.spec(data.shape, classes, self.about(data))

    @abstractmethod
    def described(self, shape: Sequence[int]) -> str:
        """Samples of such a shape in words, for messages."""

    @abstractmethod
    def scaling(self, data: D) -> Scaling:
        """From the samples to what networks see."""

    @abstractmethod
    def picture(self, data: D, classes: int) -> SamplePicture:
        """How samples are shown while a run goes on."""

    def about(self, data: D) -> dict[str, Any]:
        """What a checkpoint and a card say of such data beside what they say of any."""
        return {}

    def facts(self, data: D) -> dict[str, Any]:
        """What was understood of data, for programs: ``dropgan data --json``."""
        return {}

    def told(self, data: D) -> list[tuple[str, str]]:
        """The same for people: lines of a word (none where a line goes on with the one above) and a text."""
        return []


def load(reference: str) -> Any:
    """What a kind names as ``module:name``."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)
