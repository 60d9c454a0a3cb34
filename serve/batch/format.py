"""The interface of a shard format. Each module of `dropgan.serve.batch.formats` is one format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from ..card import Card
from ..columns import Header, Rows
from ..kind import ARRAY, PICTURES
from ..kinds import kind_of
from ..source import Source
from .files import Written


class ShardWriter(Protocol):
    """Writes one shard."""

    def add(
        self, indices: NDArray[np.int64], samples: NDArray[Any], labels: NDArray[np.int64] | None
    ) -> None:
        """Append samples: their absolute indices [n], the samples [n, ...] in the format's view, their labels
        [n].
        """
        ...

    def finish(self, name: str) -> list[Written]:
        """Complete the outputs and return them; the main one will be called ``name``."""
        ...

    def close(self) -> None:
        """Close open files. It is always called."""


@dataclass(frozen=True)
class NewShard:
    """The facts about a new shard that its writer is given."""

    path: Path
    """Temporary path of the shard."""
    shape: tuple[int, ...]
    """Shape of one sample in the format's view."""
    dtype: str
    """numpy's name of the samples' type."""
    count: int
    """Number of samples; with a filter, the maximum."""
    filtered: bool
    """True if there is a filter."""
    labelled: bool
    """True if the samples have labels."""
    seed: int
    """Seed of the job."""
    generator: Source
    """Source of the samples, with the names of classes and columns."""
    file: BinaryIO | None = None
    """If given, receives the bytes instead of a file at ``path``."""

    @property
    def class_names(self) -> dict[int, str]:
        """The name of each class by its number; empty if the classes have no names."""
        return dict(zip(self.generator.class_numbers, self.generator.class_names, strict=False))


@dataclass(frozen=True)
class Way:
    """How a format holds one view of samples."""

    open: Callable[[NewShard], ShardWriter]
    """Starts a shard."""
    libraries: tuple[str, ...] = ()
    """Distributions besides numpy whose version affects the bytes."""
    rows: Callable[[Any, Header], Rows] | None = None
    """For columns: starts a table in an open binary file."""


@dataclass(frozen=True)
class Format:
    """A shard format."""

    name: str
    """Name for ``--format``."""
    suffix: str
    """Suffix of a shard's name; empty for a folder."""
    ways: Mapping[str, Way] = field(repr=False)
    """The ways to hold each supported view (`dropgan.serve.kind`), the best first."""
    shard_samples: int = 65_536
    """Default maximum of samples per shard."""

    def view(self, card: Card) -> str | None:
        """Return the view in which a model's samples are written, or None if the format cannot hold them."""
        kind = kind_of(card)
        return next((view for view in self.ways if view == ARRAY or not kind.lacks(card, view)), None)


def shown(card: Card, view: str, samples: NDArray[Any]) -> NDArray[Any]:
    """Return samples in a view, as its writer takes them."""
    return kind_of(card).pictures(samples) if view == PICTURES else samples
