"""Turn a caller's arguments into the description of a job on this machine."""

import hashlib
import importlib.metadata
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, MissingExtraError
from ..latents import check_range, check_truncation
from ..source import Source
from ..version import VERSION
from .format import Format
from .formats import format_named, view_for
from .job import Job
from .keep import Keep, require_pictures
from .labels import Rule, class_names

_SHARD_BYTES = 64 * 2**20
_PROBE_VALUES = 2**20
_EXTRAS = {"networkx": "graphs", "rdkit": "molecules"}
"""The extra that brings each library a format needs; `batch` brings the others."""


def describe(
    generator: Source,
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
    """Return the job that these arguments describe on this machine.

    Raises:
        InputError: An argument is out of range, or the format cannot hold the model's samples.
        MissingExtraError: A library that the format needs is not installed.
    """
    check_range(count, seed, start)
    if count < 1:
        raise InputError("a job needs at least one sample")
    if shard_size is not None and shard_size < 1:
        raise InputError(f"a shard needs at least one sample, not {shard_size}")
    check_truncation(truncation)
    card, found = generator.card, format_named(format_)
    view_for(found, card)  # refuses what does not suit
    if keep:
        require_pictures(card)
    probed = probe(generator)
    if shard_size is None:
        sample_bytes = math.prod(generator.sample_shape) * probed.dtype.itemsize
        shard_size = 1 << int(math.log2(max(16, min(found.shard_samples, _SHARD_BYTES // sample_bytes))))
    return Job(
        model_sha256=generator.digest,
        kind=card.data.kind,
        sample_shape=generator.sample_shape,
        dtype=probed.dtype.name,
        seed=seed,
        start=start,
        count=count,
        shard_size=shard_size,
        format=format_,
        truncation=float(truncation),
        keep=keep,
        labels=labels,
        class_names=class_names(generator),
        made_with=made_with(generator, found, probed),
    )


def made_with(generator: Source, format_: Format, probed: Any = None) -> dict[str, str]:
    """Return the facts besides the parameters that decide the bytes of a job.

    ``pixels`` is the digest of a few samples computed now on this machine. Machines whose processors or
    libraries round differently have different digests and cannot work on the same job.

    Raises:
        MissingExtraError: A library that the format needs is not installed.
    """
    found = {"dropgan": VERSION, "numpy": np.__version__}
    for name in format_.ways[view_for(format_, generator.card)].libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise MissingExtraError(
                f"format {format_.name} needs {name}: install it with pip install"
                f" 'dropgan[{_EXTRAS.get(name, 'batch')}]'"
            ) from error
    if probed is None:
        probed = probe(generator)
    return found | {
        "onnxruntime": generator.runtime_version,
        "provider": generator.provider,
        "pixels": hashlib.sha256(np.ascontiguousarray(probed).data).hexdigest()[:16],
    }


def probe(generator: Source) -> NDArray[Any]:
    """Return the few samples whose digest `made_with` takes."""
    size = math.prod(generator.sample_shape)
    return generator.sample(max(16, min(1024, _PROBE_VALUES // size)))
