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
    """File of the initial weights; empty in a run that began with random ones."""
    fingerprint: str = ""
    """SHA-256 of that file."""
    fresh: tuple[str, ...] = ()
    """Layers that were not copied from it and began with random weights."""


@dataclass(frozen=True)
class FeatureFacts:
    """The feature network inside a discriminator of architecture ``projected``."""

    name: str = ""
    """Name as in the recipe; empty without one."""
    fingerprint: str = ""
    """``sha256:`` and the digest of its weights."""
    about: str = ""
    """Description of the features."""


@dataclass(frozen=True)
class TimeFacts:
    """How the number of steps was fitted to a time."""

    minutes: float = 0.0
    """The time; 0 if the number of steps was set or comes from the recipe."""
    seconds_per_step: float = 0.0
    """As measured before the first step."""
    spans: Spans = ()
    """Total number of steps from each step on, from which the learning rates follow."""


@dataclass(frozen=True)
class RunFacts:
    """Facts about the start of a run besides its recipe. Resuming keeps them."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    data: str
    """Value of ``--data``, or ``memory:`` and a name."""
    data_dir: str
    """Value of ``--data-dir``, or empty."""
    fingerprint: str
    """Fingerprint of the data."""
    device: str
    """``cpu`` or ``cuda:N``."""
    precision: Precision
    """Precision of matrix products."""
    threads: Annotated[int, Field(ge=1)]
    """CPU threads of PyTorch."""
    processes: Annotated[int, Field(ge=1)] = 1
    """Number of processes that trained it at the start."""
    data_options: DataOptions = field(default_factory=DataOptions)
    """How the data was read."""
    init: InitFacts = field(default_factory=InitFacts)
    """Origin of the initial weights."""
    features: FeatureFacts = field(default_factory=FeatureFacts)
    """Feature network of the discriminator."""
    time: TimeFacts = field(default_factory=TimeFacts)
    """How the number of steps was fitted."""
    auto: Chosen = field(default_factory=Chosen)
    """The choice made by the data; its recipe is empty if the user named one."""
    labels: str = ""
    """Fingerprint of the labels of a class-conditional run, else empty."""
    made_by: dict[str, str] = field(default_factory=dict)
    """Versions and processor with which it began."""
    changes: tuple[str, ...] = ()
    """Settings that were changed when it was resumed, with the step."""

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
