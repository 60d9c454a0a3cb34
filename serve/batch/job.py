"""The description of a job, which determines every byte of its output."""

import json
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..latents import check_range, check_truncation
from .formats import FORMATS, format_named
from .keep import Keep
from .labels import Rule

_LAYOUT = 4  # 1 had no labels, 2 no kind, 3 places of classes for their numbers
_MOST_DIFFERENCES = 10
_CHUNK_BYTES = 16 * 2**20
_CHUNK_SAMPLES = 1024


@dataclass(frozen=True)
class Shard:
    """One output of a job: samples ``start`` to ``stop - 1``.

    Shards are cut at multiples of the shard size, counted from sample 0, so overlapping jobs have equal
    shards where they overlap.
    """

    number: int
    """``start`` divided by the shard size, rounded down; part of the shard's name."""
    start: int
    stop: int


@dataclass(frozen=True)
class Part:
    """Part ``index`` of ``of`` nearly equal parts of a job's shards, counted from 1."""

    index: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.of:
            raise InputError(f"a part is K/N with K from 1 to N, not {self.index}/{self.of}")

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Parse ``k/n``.

        Raises:
            InputError: The text has another form.
        """
        index, slash, of = text.partition("/")
        if not slash or not index.isdecimal() or not of.isdecimal():
            raise InputError(f"a part is written K/N, such as 1/7, not {text!r}")
        return cls(int(index), int(of))


@dataclass(frozen=True)
class Job:
    """Everything that determines a job's bytes; ``job.json`` in the output."""

    model_sha256: str
    kind: str
    """Kind of the samples, ``data.kind`` of the model's card."""
    sample_shape: tuple[int, ...]
    dtype: str
    """``uint8``, or ``float32`` from a model exported with float output."""
    seed: int
    start: int
    count: int
    shard_size: int
    """Samples per shard, before the filter ``keep``."""
    format: str
    truncation: float
    """Factor for the latents."""
    keep: Keep | None
    """The caller's filter of samples."""
    labels: Rule | None
    """Rule for the labels of a class-conditional model's samples: ``uniform``, ``data``, ``balanced``, or
    numbers of classes in turn."""
    class_names: dict[str, str]
    """The name of each class by its number; empty without names."""
    made_with: dict[str, str]
    """Versions, provider, and a digest of pixels that this machine computes from the model."""
    layout: int = _LAYOUT
    """Version of the layout of job.json, the manifest and the shards."""

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Job":
        """Build a job from the result of `dataclasses.asdict`, also after a round trip through JSON.

        Raises:
            InputError: ``raw``, which may be untrusted, describes no job that this version can make.
        """
        try:
            keep = Keep(**raw["keep"]) if raw["keep"] else None
            labels = tuple(raw["labels"]) if isinstance(raw["labels"], list) else raw["labels"]
            shape = tuple(raw["sample_shape"])
            job = cls(**{**raw, "keep": keep, "labels": labels, "sample_shape": shape})
        except (KeyError, TypeError) as error:
            raise InputError(f"{error} is missing or has the wrong type") from error
        job.require_sound()
        return job

    def require_sound(self) -> None:
        """Refuse values that no job can have.

        Raises:
            InputError: A value has the wrong type or is out of range.
        """
        check_range(self.count, self.seed, self.start)
        check_truncation(self.truncation)
        keep = self.keep or Keep("", None)
        labels = self.labels if isinstance(self.labels, tuple) else ()
        facts = {
            "range": all(type(number) is int for number in (self.count, self.seed, self.start)),
            "count": self.count >= 1,
            "shard_size": type(self.shard_size) is int and self.shard_size >= 1,
            "sample_shape": all(type(size) is int and size >= 1 for size in self.sample_shape),
            "dtype": self.dtype in ("uint8", "float32"),
            "kind": isinstance(self.kind, str) and self.kind.isidentifier() and self.kind.isascii(),
            "format": isinstance(self.format, str) and FORMATS.get(self.format) is not None,
            "keep": isinstance(keep.callable, str) and isinstance(keep.source_sha256, str | None),
            "labels": isinstance(self.labels, str | tuple | None) and all(type(x) is int for x in labels),
            "made_with": isinstance(self.made_with, dict),
            "layout": self.layout == _LAYOUT,
        }
        wrong = [name for name, sound in facts.items() if not sound]
        if wrong:
            raise InputError(f"impossible {', '.join(wrong)}")

    def to_json(self) -> str:
        """Indented JSON text."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def differences(self, other: dict[str, Any]) -> list[str]:
        """List the differences from the job that ``other`` (a parsed job.json) describes, one phrase each."""
        here, there = _flat(json.loads(self.to_json())), _flat(other)
        return [
            f"{key[:80]} is {_short(there, key)} there and {_short(here, key)} here"
            for key in [*here, *(key for key in there if key not in here)]
            if here.get(key) != there.get(key)
        ][:_MOST_DIFFERENCES]

    def shards(self, part: Part | None = None) -> "Shards":
        """Return the shards of the job, or of one part of it, in order."""
        first = self.start // self.shard_size
        numbers = range(first, -(-(self.start + self.count) // self.shard_size))
        if part is not None:
            size = len(numbers)
            numbers = numbers[(part.index - 1) * size // part.of : part.index * size // part.of]
        return Shards(self, numbers)

    def shard(self, number: int) -> Shard:
        """Return the shard with this number."""
        first, stop = number * self.shard_size, (number + 1) * self.shard_size
        return Shard(number, max(self.start, first), min(self.start + self.count, stop))

    @property
    def chunk_samples(self) -> int:
        """The largest number of samples in a chunk."""
        size = math.prod(self.sample_shape) * np.dtype(self.dtype).itemsize
        return int(2 ** math.floor(math.log2(max(16, min(_CHUNK_SAMPLES, _CHUNK_BYTES // size)))))

    def chunks(self, shard: Shard) -> list[tuple[int, int]]:
        """Return (first sample, count) of each chunk in which a shard is computed and filtered.

        The chunks depend only on the job, because a filter may decide differently about other batches.
        """
        rows = self.chunk_samples
        return [(first, min(rows, shard.stop - first)) for first in range(shard.start, shard.stop, rows)]

    def name(self, shard: Shard) -> str:
        """Return the name of a shard's file or folder."""
        return f"{self.kind}-{shard.number:08d}{format_named(self.format).suffix}"

    def number(self, name: str) -> int | None:
        """Return the number of the shard with this file or folder name, or None."""
        match = re.fullmatch(r"[A-Za-z_]\w*-(\d{8,20})(\.\w+)?", name, re.ASCII)
        number = int(match[1]) if match else -1
        if number in self.shards().numbers and self.name(self.shard(number)) == name:
            return number
        return None

    def line(self, shard: Shard, samples: int, files: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a shard's line of the manifest."""
        labels = list(self.labels) if isinstance(self.labels, tuple) else self.labels
        return {
            "shard": shard.number,
            "start": shard.start,
            "stop": shard.stop,
            "samples": samples,
            "files": files,
            "format": self.format,
            "model_sha256": self.model_sha256,
            "seed": self.seed,
            "truncation": self.truncation,
            "keep": asdict(self.keep) if self.keep else None,
            **({} if self.labels is None else {"labels": labels}),
            "made_with": self.made_with,
        }


@dataclass(frozen=True)
class Shards:
    """A range of a job's shards, created one at a time on demand because there may be billions."""

    job: Job
    numbers: range
    """Numbers of the shards."""
    without: Collection[int] = ()
    """Numbers among them that do not count."""

    def __len__(self) -> int:
        return len(self.numbers) - len(self.without)

    def __iter__(self) -> Iterator[Shard]:
        return (self.job.shard(number) for number in self.numbers if number not in self.without)

    @property
    def samples(self) -> int:
        """Number of samples in all of them, before the filter."""
        if not self.numbers:
            return 0
        whole = self.job.shard(self.numbers[-1]).stop - self.job.shard(self.numbers[0]).start
        missing = (self.job.shard(number) for number in self.without)
        return whole - sum(shard.stop - shard.start for shard in missing)


def _flat(tree: dict[str, Any]) -> dict[str, Any]:
    """Flatten nested dicts into values by dotted key."""
    out: dict[str, Any] = {}
    rest = [("", tree)]
    while rest:
        before, part = rest.pop(0)
        for name, value in part.items():
            if isinstance(value, dict):
                rest.append((f"{before}{name}.", value))
            else:
                out[f"{before}{name}"] = value
    return out


def _short(values: dict[str, Any], key: str) -> str:
    return str(values[key])[:80] if key in values else "not there"
