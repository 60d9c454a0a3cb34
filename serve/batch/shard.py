"""Make shards in overlapping stages: draw, render, filter, encode, write, publish."""

import itertools
from collections import abc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import OutputError
from ..kind import PICTURES
from ..source import Source
from .files import Written, remove, temporary_path
from .format import NewShard, ShardWriter, shown
from .formats import format_named, view_for
from .job import Job, Shard
from .keep import apply_keep, load_keep
from .labels import labels_of
from .stages import Ahead

_DRAWN_AHEAD = 1
_CHUNKS_AHEAD = 3
_SHARDS_AHEAD = 1
# A chunk's arrays are used again once no stage can hold them. With a thread a stage those are the arrays
# of the chunks in two queues, and of one in each of three hands (drawing, rendering, writing).
_BUFFERS = _DRAWN_AHEAD + _CHUNKS_AHEAD + 3


@dataclass(frozen=True)
class Chunk:
    """Some samples of a shard: drawn first, then rendered into ``samples`` by the next stage."""

    shard: Shard
    start: int
    labels: NDArray[np.int64] | None
    drawn: Any
    samples: NDArray[Any]
    last: bool


Chunks: TypeAlias = abc.Generator[Chunk, None, None]


@dataclass(frozen=True)
class WrittenShard:
    """A complete shard that has not been renamed yet."""

    shard: Shard
    samples: int
    outputs: list[Written]


class ShardMaker:
    """Makes shards of one job in one directory."""

    def __init__(
        self,
        generator: Source,
        job: Job,
        directory: Path,
        tag: str,
        *,
        batch_size: int | None,
        overlap: bool,
        progress: Callable[[int], None],
    ) -> None:
        """Prepare the stages.

        Args:
            generator: Source of the samples.
            job: The job.
            directory: Its output directory.
            tag: Part of the temporary files' names that identifies the part of the job.
            batch_size: Samples computed at once; None leaves it to the generator.
            overlap: Draw one chunk, render another and write a third at the same time, each in a thread.
                If other processes already fill the cores this only costs, because threads that share a
                core evict each other's caches. Flushing to disk always has its own thread.
            progress: Called with the number of samples of each chunk that was computed and written.

        Raises:
            InputError: The job's filter cannot be imported, or its format is unknown.
        """
        self._generator, self._job, self._directory, self._tag = generator, job, directory, tag
        self._batch_size, self._overlap, self._progress = batch_size, overlap, progress
        self._keep = load_keep(job.keep.callable) if job.keep else None
        self._pending: set[Path] = set()
        format_ = format_named(job.format)
        self._view = view_for(format_, generator.card)
        self._way = format_.ways[self._view]
        empty = np.empty((0, *job.sample_shape), job.dtype)
        self._shape = shown(generator.card, self._view, empty).shape[1:]

    def make(
        self, shards: Iterator[Shard], stop: Callable[[], None] = lambda: None
    ) -> Iterator[dict[str, Any]]:
        """Make shards one after the other; yield each one's manifest line once it is renamed into place.

        Args:
            shards: The shards to make.
            stop: Ends ``shards`` from another thread, if its iterator may block. It is called when no more
                shards are wanted, because a stage that waits for one could not be stopped otherwise.

        Raises:
            OutputError: A file cannot be written.
            InputError: The filter failed.
        """
        try:
            with (
                self._stage(self._draw(shards), _DRAWN_AHEAD) as drawn,
                self._stage(self._render(drawn), _CHUNKS_AHEAD) as chunks,
                Ahead(self._write(chunks), _SHARDS_AHEAD) as written,
                ExitStack() as first,
            ):
                first.callback(stop)
                for ready in written:
                    for output in ready.outputs:
                        output.publish()
                        self._pending.discard(output.temporary)
                    files = [output.entry() for output in ready.outputs]
                    yield self._job.line(ready.shard, ready.samples, files)
        except OSError as error:
            raise OutputError(f"cannot write {self._directory}: {error.strerror or error}") from error
        finally:
            for path in list(self._pending):
                remove(path)

    def _stage(self, chunks: Chunks, depth: int) -> AbstractContextManager[Iterator[Chunk]]:
        return Ahead(chunks, depth) if self._overlap else closing(chunks)

    def _draw(self, shards: Iterator[Shard]) -> Chunks:
        job, buffers = self._job, self._buffers()
        for shard in shards:
            for start, count in job.chunks(shard):
                latents, samples = next(buffers)
                labels = labels_of(self._generator, job.labels, seed=job.seed, start=start, count=count)
                drawn = self._generator.draw(
                    count,
                    seed=job.seed,
                    start=start,
                    labels=labels,
                    truncation=job.truncation,
                    buffer=latents,
                )
                yield Chunk(shard, start, labels, drawn, samples[:count], last=start + count == shard.stop)

    def _buffers(self) -> Iterator[tuple[NDArray[np.float32], NDArray[Any]]]:
        """Yield pairs of arrays for latents and samples in turn, allocated on first use."""
        rows, count = self._job.chunk_samples, _BUFFERS if self._overlap else 1
        buffers: list[tuple[NDArray[np.float32], NDArray[Any]]] = []
        for place in itertools.count():
            if place < count:
                buffers.append((self._generator.latent_buffer(rows), self._generator.sample_buffer(rows)))
            yield buffers[place % count]

    def _render(self, chunks: Iterator[Chunk]) -> Chunks:
        for chunk in chunks:
            self._generator.render(chunk.drawn, chunk.samples, batch_size=self._batch_size)
            yield chunk

    def _write(self, chunks: Iterator[Chunk]) -> Iterator[WrittenShard]:
        for first in chunks:
            shard = first.shard
            temporary = temporary_path(self._directory, self._job.name(shard), self._tag)
            self._pending.add(temporary)
            with closing(self._writer(temporary, shard)) as writer:
                samples, chunk = 0, first
                while True:
                    samples += self._add(writer, chunk)
                    if chunk.last:
                        break
                    chunk = next(chunks)
                outputs = writer.finish(self._job.name(shard))
            self._pending.update(output.temporary for output in outputs)
            yield WrittenShard(shard, samples, outputs)

    def _add(self, writer: ShardWriter, chunk: Chunk) -> int:
        card, samples, labels = self._generator.card, chunk.samples, chunk.labels
        indices = np.arange(chunk.start, chunk.start + len(samples), dtype=np.int64)
        if self._keep is not None and self._job.keep is not None:
            mask = apply_keep(self._keep, self._job.keep.callable, shown(card, PICTURES, samples))
            samples, indices = samples[mask], indices[mask]
            labels = None if labels is None else labels[mask]
        writer.add(indices, shown(card, self._view, samples), labels)
        self._progress(len(chunk.samples))
        return len(samples)

    def _writer(self, path: Path, shard: Shard) -> ShardWriter:
        job = self._job
        return self._way.open(
            NewShard(
                path,
                self._shape,
                job.dtype,
                shard.stop - shard.start,
                filtered=job.keep is not None,
                labelled=job.labels is not None,
                seed=job.seed,
                generator=self._generator,
            )
        )
