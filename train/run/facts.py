"""Facts about the start of a run besides its recipe: the table ``[run]`` of recipe.toml."""

import json
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from ..data import DataOptions
from ..recipes.auto import Chosen
from ..steps.timetable import Spans

Precision = Literal["fp32", "tf32", "bf16", "fp16"]
"""Precision of matrix products; tf32 is for CUDA, fp16 has scaled losses."""


@dataclass(frozen=True)
class InitFacts:
    """The origin of a fine-tuned run's weights."""

    source: str = ""
    """The file that the first weights are of; empty in a run that began with random ones."""
    fingerprint: str = ""
    """SHA-256 of that file."""
    fresh: tuple[str, ...] = ()
    """Layers that were not taken from it and began with random weights."""


@dataclass(frozen=True)
class FeatureFacts:
    """The feature network inside a discriminator of architecture ``projected``."""

    name: str = ""
    """As the recipe names it; empty without one."""
    fingerprint: str = ""
    """``sha256:`` and the digest of its weights."""
    about: str = ""
    """Whose features they are, for people."""


@dataclass(frozen=True)
class TimeFacts:
    """How the number of steps was fitted to a time."""

    minutes: float = 0.0
    """The time; 0 where the number of steps was said, or is the recipe's."""
    seconds_per_step: float = 0.0
    """As measured before the first step."""
    spans: Spans = ()
    """From which step on there were to be how many in all; the learning rates follow from it."""


@dataclass(frozen=True)
class RunFacts:
    """Facts about the start of a run besides its recipe. Resuming keeps them."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    data: str
    """What stood after ``--data``; or ``memory:`` and a name."""
    data_dir: str
    """What stood after ``--data-dir``, or empty."""
    fingerprint: str
    """Fingerprint of the data."""
    device: str
    """``cpu`` or ``cuda:N``."""
    precision: Precision
    """Precision of matrix products."""
    threads: Annotated[int, Field(ge=1)]
    """CPU threads of PyTorch."""
    processes: Annotated[int, Field(ge=1)] = 1
    """How many trained it together in the beginning."""
    data_options: DataOptions = field(default_factory=DataOptions)
    """How the data was read."""
    init: InitFacts = field(default_factory=InitFacts)
    """What the first weights are of."""
    features: FeatureFacts = field(default_factory=FeatureFacts)
    """What the discriminator looks through."""
    time: TimeFacts = field(default_factory=TimeFacts)
    """How the number of steps was fitted."""
    auto: Chosen = field(default_factory=Chosen)
    """What was chosen by the data; its recipe is empty where the recipe was named."""
    labels: str = ""
    """Fingerprint of the labels of a class-conditional run, else empty."""
    made_by: dict[str, str] = field(default_factory=dict)
    """Versions and processor with which it began."""
    changes: tuple[str, ...] = ()
    """Settings that were changed when it was resumed, and at which step."""

    @classmethod
    def from_table(cls, table: object) -> "RunFacts":
        """Parse the table ``[run]``.

        Raises:
            ValueError: A fact is missing, unknown, or impossible. It is pydantic's error, with several lines.
        """
        # as JSON, in which strictness is about types and not about lists being tuples
        return _FACTS.validate_json(json.dumps(table, default=str), strict=True)

    def as_table(self) -> dict[str, Any]:
        """Return the table that `from_table` parses."""
        return asdict(self)


_FACTS = TypeAdapter(RunFacts)
