"""A job: which samples, from what, in which form. Every byte of its output is a function of it."""

import hashlib
import importlib.metadata
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import InputError, MissingExtraError
from ..generator import Generator
from ..latents import check_range
from .keep import Keep
from .labels import Rule

FORMATS = ("npy", "png", "tar", "parquet", "csv")
"""What a job may write. Of images all but npy hold PNG pictures; of vectors there are npy, Parquet with
a column a name, and csv."""

_SUFFIX = {"npy": ".npy", "png": "", "tar": ".tar", "parquet": ".parquet", "csv": ".csv"}
_LIBRARIES = {
    "npy": (),
    "png": ("deflate",),
    "tar": ("deflate",),
    "parquet": ("deflate", "pyarrow"),
    "csv": (),
}
_VECTOR_LIBRARIES = {"npy": (), "parquet": ("pyarrow",), "csv": ()}
_LAYOUT = 2  # 1 had no labels
_SHARD_BYTES = 64 * 2**20
_SHARD_SAMPLES = {"npy": 65_536, "png": 4096, "tar": 65_536, "parquet": 65_536, "csv": 65_536}
_CHUNK_BYTES = 16 * 2**20
_CHUNK_SAMPLES = 1024
_PROBE_VALUES = 2**20


@dataclass(frozen=True)
class Shard:
    """One output of a job: the samples ``start`` to ``stop - 1``.

    Shards are cut at multiples of the shard size counted from sample 0, so that those of two jobs
    that overlap are the same.
    """

    number: int
    """``start`` divided by the shard size, rounded down; part of the shard's name."""
    start: int
    stop: int


@dataclass(frozen=True)
class Part:
    """The ``index``-th of ``of`` nearly equal runs of a job's shards, counted from 1."""

    index: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.of:
            raise InputError(f"a part is k/n with k from 1 to n, not {self.index}/{self.of}")

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Read ``k/n``.

        Raises:
            InputError: The text is something else.
        """
        index, slash, of = text.partition("/")
        if not slash or not index.isdecimal() or not of.isdecimal():
            raise InputError(f"a part is written k/n, such as 1/7, not {text!r}")
        return cls(int(index), int(of))


@dataclass(frozen=True)
class Job:
    """Everything that a job's bytes depend on; ``job.json`` in the output."""

    model_sha256: str
    sample_shape: tuple[int, ...]
    dtype: str
    """``uint8``, or ``float32`` from a model exported with float output."""
    seed: int
    start: int
    count: int
    shard_size: int
    """Samples of a shard, before any are left out by ``keep``."""
    format: str
    truncation: float
    """Factor of the latents."""
    keep: Keep | None
    """The caller's choice of samples."""
    labels: Rule | None
    """Of a class-conditional model, which sample has which label."""
    made_with: dict[str, str]
    """Versions, provider, and a digest of pixels that this machine computes from the model."""
    layout: int = _LAYOUT
    """Version of the layout of job.json, the manifest and the shards."""

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> "Job":
        """The job of which ``raw`` is `dataclasses.asdict`, perhaps after a way through JSON."""
        keep = Keep(**raw["keep"]) if raw["keep"] else None
        labels = tuple(raw["labels"]) if isinstance(raw["labels"], list) else raw["labels"]
        return cls(**{**raw, "keep": keep, "labels": labels, "sample_shape": tuple(raw["sample_shape"])})

    def to_json(self) -> str:
        """Indented JSON text."""
        return json.dumps(asdict(self), indent=1) + "\n"

    def differences(self, other: dict[str, Any]) -> list[str]:
        """What differs from the job that ``other`` (a read job.json) describes, one phrase each."""
        here, there = _flat(json.loads(self.to_json())), _flat(other)
        return [
            f"{key} is {there.get(key, 'not there')} there and {here.get(key, 'not there')} here"
            for key in [*here, *(key for key in there if key not in here)]
            if here.get(key) != there.get(key)
        ]

    @property
    def total_shards(self) -> int:
        """Shards of the whole job."""
        return len(self._numbers(None))

    def shards(self, part: Part | None = None) -> list[Shard]:
        """The shards of the job, or of one part of it, in order."""
        return [self.shard(number) for number in self._numbers(part)]

    def shard(self, number: int) -> Shard:
        """The shard of that number."""
        first, stop = number * self.shard_size, (number + 1) * self.shard_size
        return Shard(number, max(self.start, first), min(self.start + self.count, stop))

    @property
    def chunk_samples(self) -> int:
        """The most samples of a chunk."""
        size = math.prod(self.sample_shape) * np.dtype(self.dtype).itemsize
        return int(2 ** math.floor(math.log2(max(16, min(_CHUNK_SAMPLES, _CHUNK_BYTES // size)))))

    def chunks(self, shard: Shard) -> list[tuple[int, int]]:
        """(first sample, samples) of the pieces in which a shard is computed and filtered.

        They depend on nothing but the job, for a filter may give another answer to another batch.
        """
        rows = self.chunk_samples
        return [(first, min(rows, shard.stop - first)) for first in range(shard.start, shard.stop, rows)]

    def name(self, shard: Shard) -> str:
        """Name of the shard's file or folder."""
        what = "vectors" if len(self.sample_shape) == 1 else "images"
        return f"{what}-{shard.number:08d}{_SUFFIX[self.format]}"

    def line(self, shard: Shard, samples: int, files: list[dict[str, Any]]) -> dict[str, Any]:
        """The shard's line of the manifest."""
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

    def _numbers(self, part: Part | None) -> range:
        first = self.start // self.shard_size
        numbers = range(first, -(-(self.start + self.count) // self.shard_size))
        if part is None:
            return numbers
        size = len(numbers)
        return numbers[(part.index - 1) * size // part.of : part.index * size // part.of]


def describe(
    generator: Generator,
    count: int,
    *,
    seed: int,
    start: int,
    format_: str,
    shard_size: int | None,
    truncation: float,
    keep: Keep | None,
    labels: Rule | None = None,
) -> Job:
    """The job that these arguments mean, on this machine.

    Raises:
        InputError: One is out of its range, or the format needs pixels and the model gives floats.
        MissingExtraError: A library that the format needs is not installed.
    """
    check_range(count, seed, start)
    if count < 1:
        raise InputError("a job needs at least one sample")
    if format_ not in FORMATS:
        raise InputError(f"the format must be one of {', '.join(FORMATS)}, not {format_!r}")
    if shard_size is not None and shard_size < 1:
        raise InputError(f"a shard needs at least one sample, not {shard_size}")
    check_truncation(truncation)
    probe = _probe(generator)
    if generator.card.data.kind == "vectors":
        _require_for_vectors(format_, keep)
    elif format_ == "csv":
        raise InputError("csv is for vectors, this model makes images: npy, png, tar or parquet")
    elif format_ != "npy" and probe.dtype != np.uint8:
        raise InputError("this model gives floats: pictures need one exported with --output pixels")
    elif keep and probe.dtype != np.uint8:
        raise InputError("this model gives floats: a filter needs one exported with --output pixels")
    elif format_ != "npy" and generator.sample_shape[2] not in (1, 3, 4):
        raise InputError(f"a picture needs 1, 3 or 4 channels, not shape {list(generator.sample_shape)}")
    sample_bytes = math.prod(generator.sample_shape) * probe.dtype.itemsize
    if shard_size is None:
        shard_size = 2 ** int(math.log2(max(16, min(_SHARD_SAMPLES[format_], _SHARD_BYTES // sample_bytes))))
    return Job(
        model_sha256=hashlib.sha256(generator.model_bytes).hexdigest(),
        sample_shape=generator.sample_shape,
        dtype=probe.dtype.name,
        seed=seed,
        start=start,
        count=count,
        shard_size=shard_size,
        format=format_,
        truncation=float(truncation),
        keep=keep,
        labels=labels,
        made_with=made_with(generator, format_, probe),
    )


def _require_for_vectors(format_: str, keep: Keep | None) -> None:
    if format_ not in _VECTOR_LIBRARIES:
        raise InputError(f"{format_} holds pictures, this model makes vectors: npy, parquet or csv")
    if keep:
        raise InputError("a filter is given pictures, this model makes vectors: filter what is written")


def check_truncation(truncation: float) -> None:
    """Refuse a factor that is no truncation.

    Raises:
        InputError: It is not above 0 and at most 1.
    """
    if not 0 < truncation <= 1:
        raise InputError(f"truncation must be above 0 and at most 1, not {truncation}")


def made_with(generator: Generator, format_: str, probe: Any = None) -> dict[str, str]:
    """What decides, beside the parameters, which bytes a job gives.

    ``pixels`` is the digest of some samples computed here and now. Two machines whose processors or
    libraries round differently give different digests, and may not work on one job.

    Raises:
        MissingExtraError: A library that the format needs is not installed.
    """
    found = {"dropgan": importlib.metadata.version("dropgan"), "numpy": np.__version__}
    of_vectors = generator.card.data.kind == "vectors"
    for name in (_VECTOR_LIBRARIES if of_vectors else _LIBRARIES)[format_]:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise MissingExtraError(
                f"format {format_} needs {name}: install it with pip install 'dropgan[batch]'"
            ) from error
    if probe is None:
        probe = _probe(generator)
    return found | {
        "onnxruntime": generator.runtime_version,
        "provider": generator.provider,
        "pixels": hashlib.sha256(np.ascontiguousarray(probe).data).hexdigest()[:16],
    }


def _probe(generator: Generator) -> Any:
    size = math.prod(generator.sample_shape)
    return generator.sample(max(16, min(1024, _PROBE_VALUES // size)))


def _flat(tree: Any, key: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {key: tree}
    out: dict[str, Any] = {}
    for name, value in tree.items():
        out |= _flat(value, f"{key}.{name}" if key else name)
    return out
