"""Check that a job's shards fit on the disk."""

import math
import os
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

from ..errors import OutputError
from ..source import Source
from ..space import CERTAIN, PROBE, free_bytes, require_room
from .format import NewShard, shown
from .formats import format_named, view_for
from .job import Shards
from .labels import labels_of

_BLOCK = 4096  # that a file of its own occupies at least


def require_room_for(directory: Path, generator: Source, todo: Shards) -> None:
    """Refuse shards that do not fit on the disk. With a filter, all samples are assumed to be kept.

    Raises:
        OutputError: There is too little space, or the file system has too few free inodes.
    """
    job, samples = todo.job, todo.samples
    if job.keep is not None or not samples:
        return
    plain = math.prod(job.sample_shape) * np.dtype(job.dtype).itemsize
    folder = not format_named(job.format).suffix
    if folder:
        _require_names(directory, samples)
    if samples * (4 * plain + 2 * _BLOCK) < free_bytes(directory):
        return  # whatever the format
    size = _measured(generator, todo)
    if folder:
        size = math.ceil(size / _BLOCK) * _BLOCK
    require_room(directory, samples * size * CERTAIN, f"{samples:,} samples as {job.format}")


def _measured(generator: Source, todo: Shards) -> float:
    """Return the bytes per sample, measured by writing a few samples."""
    job, format_ = todo.job, format_named(todo.job.format)
    view = view_for(format_, generator.card)
    count = min(PROBE, todo.samples)
    labels = labels_of(generator, job.labels, seed=job.seed, start=job.start, count=count)
    samples = generator.sample(
        count, seed=job.seed, start=job.start, labels=labels, truncation=job.truncation
    )
    samples = shown(generator.card, view, samples)
    with tempfile.TemporaryDirectory(prefix="dropgan-") as scratch:
        new = NewShard(
            Path(scratch) / "probe",
            samples.shape[1:],
            job.dtype,
            count,
            filtered=False,
            labelled=labels is not None,
            seed=job.seed,
            generator=generator,
        )
        with closing(format_.ways[view].open(new)) as writer:
            writer.add(np.arange(job.start, job.start + count, dtype=np.int64), samples, labels)
            written = writer.finish("probe")
        return sum(output.bytes for output in written) / count


def _require_names(directory: Path, files: int) -> None:
    if not hasattr(os, "statvfs"):
        return
    system = os.statvfs(directory)
    if system.f_files and files > system.f_favail:  # 0 of a system that has no table of files
        raise OutputError(
            f"{files:,} samples as files of their own are more than {directory} can hold, which is"
            f" {system.f_favail:,}: use --format tar or parquet"
        )
