"""Requests of one moment become one batch."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DropganError
from ..generator import Generator

Encode = Callable[[NDArray[Any], int | None], bytes]
"""One sample and its label to the body of an answer."""

_MOST = 32
_TRIALS = 5
_WORTH = 1.3  # times as fast a batch must be before requests wait for one another


class BusyError(DropganError):
    """More is waiting than can be made soon."""


@dataclass(slots=True)
class _Wanted:
    seed: int
    index: int
    label: int | None
    truncation: float
    encode: Encode
    done: "asyncio.Future[bytes]"


class Batcher:
    """Makes single samples for many requests at once, in a thread of its own.

    While one batch is being made, requests gather for the next: nobody waits for company, and the
    busier it gets, the larger the batches. What a request gets does not depend on its batch
    (`Generator.any_batch`); where it would, every sample is made alone.
    """

    def __init__(self, generator: Generator, *, queue: int, most: int | None = None) -> None:
        """Get ready.

        Args:
            generator: What makes the samples.
            queue: Requests that may wait; further ones are refused at once.
            most: Samples of one batch; None measures whether batches pay.
        """
        self._generator = generator
        self._queue = queue
        self.most = (worthwhile(generator) if most is None else most) if generator.any_batch else 1
        self._waiting: deque[_Wanted] = deque()
        self._working = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dropgan-batches")

    def __len__(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    async def sample(
        self, seed: int, index: int, label: int | None, truncation: float, encode: Encode
    ) -> bytes:
        """The encoded sample.

        Raises:
            BusyError: The queue is full.
            ModelError: onnxruntime could not run the model.
        """
        if len(self._waiting) >= self._queue:
            raise BusyError("too much is waiting: try again in a second")
        loop = asyncio.get_running_loop()
        wanted = _Wanted(seed, index, label, truncation, encode, loop.create_future())
        self._waiting.append(wanted)
        if not self._working:
            self._working = True
            loop.call_soon(self._next, loop)  # requests that were read in this turn of the loop join
        return await wanted.done

    def close(self) -> None:
        """End the thread, when it has made what it is at."""
        self._thread.shutdown(wait=True)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        batch: list[_Wanted] = []
        while self._waiting and len(batch) < self.most:
            wanted = self._waiting.popleft()
            if not wanted.done.done():  # its client has left
                batch.append(wanted)
        if not batch:
            self._working = False
            return
        made = loop.run_in_executor(self._thread, self._make, batch)
        made.add_done_callback(lambda future: self._deliver(loop, batch, future))

    def _deliver(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[_Wanted],
        future: "asyncio.Future[list[bytes | Exception]]",
    ) -> None:
        error = None if future.cancelled() else future.exception()
        results: Sequence[Any] = [error] * len(batch) if error or future.cancelled() else future.result()
        for wanted, result in zip(batch, results, strict=True):
            if wanted.done.done():
                continue
            if isinstance(result, bytes):
                wanted.done.set_result(result)
            else:
                wanted.done.set_exception(result or BusyError("the service is stopping"))
        self._next(loop)

    def _make(self, batch: list[_Wanted]) -> list[bytes | Exception]:
        samples, labels = self._samples(batch)
        made: list[bytes | Exception] = []
        for place, wanted in enumerate(batch):
            try:
                made.append(wanted.encode(samples[place], None if labels is None else int(labels[place])))
            except DropganError as error:
                made.append(error)
        return made

    def _samples(self, batch: list[_Wanted]) -> tuple[Sequence[NDArray[Any]], NDArray[np.int64] | None]:
        generator, labels = self._generator, None
        if generator.classes:
            chosen = [
                generator.labels(1, seed=each.seed, start=each.index)[0] if each.label is None else each.label
                for each in batch
            ]
            labels = np.array(chosen, dtype=np.int64)
        if len(batch) == 1 or not generator.any_batch:
            return [
                generator.sample(
                    1,
                    seed=each.seed,
                    start=each.index,
                    labels=None if labels is None else labels[place],
                    truncation=each.truncation,
                )[0]
                for place, each in enumerate(batch)
            ], labels
        latents = np.concatenate([generator.latents(1, seed=each.seed, start=each.index) for each in batch])
        for place, each in enumerate(batch):
            if each.truncation != 1:
                latents[place] *= np.float32(each.truncation)
        return list(generator(latents, labels)), labels


def worthwhile(generator: Generator) -> int:
    """How many samples to make at once: many, if that is faster than one after another, else 1."""
    labels = np.full(_MOST, generator.class_numbers[0]) if generator.classes else None
    latents = generator.latents(_MOST)
    generator(latents, labels)

    def seconds(size: int) -> float:
        best = float("inf")
        for _ in range(_TRIALS):
            began = time.perf_counter()
            for place in range(0, _MOST, size):
                part = slice(place, place + size)
                generator(latents[part], None if labels is None else labels[part])
            best = min(best, time.perf_counter() - began)
        return best

    return _MOST if seconds(1) > _WORTH * seconds(_MOST) else 1
