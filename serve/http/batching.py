"""Combine concurrent requests into batches."""

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


@dataclass(frozen=True, slots=True)
class Told:
    """Facts about a sample other than its values."""

    seed: int
    index: int
    label: int | None
    """Number of the sample's class."""


Encode = Callable[[NDArray[Any], Sequence[Told]], list[bytes]]
"""Samples [n, ...] to bodies of answers. Requests with the same one are encoded in one call."""

Left = Callable[[], bool]
"""Returns True once the client of a request has disconnected."""

_MOST = 32
_TRIALS = 5
_WORTH = 1.3  # times as fast a batch must be before requests wait for one another
_QUICK = 0.01  # seconds of a batch for which the event loop may stand still
_SWEEP = 0.1  # seconds between looks for what has waited too long: one timer for all, not one each


class BusyError(DropganError):
    """Too many requests are waiting."""


class TooSlowError(DropganError):
    """The answer took longer than the limit."""


class LeftError(DropganError):
    """The client disconnected, so nobody reads the answer."""


@dataclass(slots=True, eq=False)
class _Wanted:
    seed: int
    index: int
    label: int | None
    truncation: float
    encode: Encode
    left: "Left | None"
    done: "asyncio.Future[bytes]"
    end: float


class Batcher:
    """Makes single samples for many requests together, in its own thread.

    While one batch is computed, requests for the next one accumulate. No request waits for others to arrive,
    and batches grow with the load. Under so much load that the event loop never rests, the loop itself
    computes batches that take milliseconds. A thread would have to wait for the interpreter lock at every
    step, behind all the requests that must be refused.

    An answer does not depend on its batch (`Generator.any_batch`). On a provider where it would, every sample
    is computed alone.
    """

    def __init__(
        self, generator: Generator, *, queue: int, seconds: float = 30.0, most: int | None = None
    ) -> None:
        """Start the thread.

        Args:
            generator: The generator that makes the samples.
            queue: Number of requests that may wait; further ones are refused at once.
            seconds: Longest wait of a request, in seconds.
            most: Largest batch; None measures whether batches are faster.
        """
        self._generator = generator
        self._queue, self._seconds = queue, seconds
        self.most, self._quick = worthwhile(generator) if generator.any_batch else (1, False)
        if most is not None and generator.any_batch:
            self.most = most
        self._waiting: deque[_Wanted] = deque()
        self._unanswered: deque[_Wanted] = deque()
        self._working = self._sweeping = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dropgan-batches")

    def __len__(self) -> int:
        """Return the number of waiting requests."""
        return len(self._waiting)

    def require_room(self) -> None:
        """Refuse a request if the queue is full.

        Raises:
            BusyError: The queue is full.
        """
        if len(self._waiting) >= self._queue:
            raise BusyError("the queue is full: try again in a second")

    def sample(
        self,
        seed: int,
        index: int,
        label: int | None,
        truncation: float,
        encode: Encode,
        left: Left | None = None,
    ) -> "asyncio.Future[bytes]":
        """Return a future of the encoded sample. If the caller cancels the future, the sample is not made.

        Raises:
            BusyError: The queue is full.
            LeftError: The client disconnected before the sample was made (from the future).
            TooSlowError: It took too long (from the future).
            ModelError: onnxruntime could not run the model (from the future).
        """
        self.require_room()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bytes] = loop.create_future()
        wanted = _Wanted(seed, index, label, truncation, encode, left, done, loop.time() + self._seconds)
        self._waiting.append(wanted)
        self._unanswered.append(wanted)
        if not self._working:
            self._working = True
            loop.call_soon(self._next, loop)  # requests that were read in this turn of the loop join
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(_SWEEP, self._sweep, loop)
        return done

    def close(self) -> None:
        """End the thread after its current batch."""
        self._thread.shutdown(wait=True)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drop requests that have waited too long. The oldest come first in the queue."""
        now = loop.time()
        while self._unanswered and (self._unanswered[0].done.done() or self._unanswered[0].end <= now):
            wanted = self._unanswered.popleft()
            if not wanted.done.done():
                wanted.done.set_exception(TooSlowError(f"no answer within {self._seconds:g} seconds"))
        self._sweeping = bool(self._unanswered)
        if self._sweeping:
            loop.call_later(_SWEEP, self._sweep, loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        batch: list[_Wanted] = []
        while self._waiting and len(batch) < self.most:
            wanted = self._waiting.popleft()
            if wanted.done.done():  # it waited too long
                continue
            if wanted.left is not None and wanted.left():
                wanted.done.set_exception(LeftError("the client has left"))
            else:
                batch.append(wanted)
        if not batch:
            self._working = False
            return
        if self._quick and 2 * len(self._waiting) > self._queue:
            loop.call_soon(self._next, loop)
            self._deliver(batch, self._made(batch))
            return
        made = loop.run_in_executor(self._thread, self._made, batch)
        made.add_done_callback(lambda future: self._from_thread(loop, batch, future))

    def _from_thread(
        self, loop: asyncio.AbstractEventLoop, batch: list[_Wanted], future: "asyncio.Future[_Results]"
    ) -> None:
        self._next(loop)  # the thread has work before the answers go out
        ended = future.cancelled()
        self._deliver(batch, BusyError("the service is stopping") if ended else future.result())

    def _deliver(self, batch: list[_Wanted], results: "_Results") -> None:
        bodies = [results] * len(batch) if isinstance(results, Exception) else results
        for wanted, body in zip(batch, bodies, strict=True):
            if wanted.done.done():
                continue
            if isinstance(body, bytes):
                wanted.done.set_result(body)
            else:
                wanted.done.set_exception(body)

    def _made(self, batch: list[_Wanted]) -> "_Results":
        seeds, indices = [each.seed for each in batch], [each.index for each in batch]
        try:
            labels = self._labels(batch, seeds, indices)
            factors = [each.truncation for each in batch]
            samples = self._generator.sample_each(seeds, indices, labels=labels, truncation=factors)
        except Exception as error:  # noqa: BLE001 - whatever it is, each request of the batch is told
            return error
        told = [
            Told(each.seed, each.index, None if labels is None else labels[place])
            for place, each in enumerate(batch)
        ]
        groups: dict[Encode, list[int]] = {}
        for place, each in enumerate(batch):
            groups.setdefault(each.encode, []).append(place)
        made: list[bytes | Exception] = [b""] * len(batch)
        for encode, places in groups.items():
            bodies: Sequence[bytes | Exception]
            whole = len(places) == len(batch)
            try:
                bodies = encode(samples if whole else samples[places], [told[place] for place in places])
            except Exception as error:  # noqa: BLE001 - as above
                bodies = [error] * len(places)
            for place, body in zip(places, bodies, strict=True):
                made[place] = body
        return made

    def _labels(self, batch: list[_Wanted], seeds: list[int], indices: list[int]) -> list[int] | None:
        """Return the class of each sample: the requested one, or the one that the model draws."""
        if not self._generator.classes:
            return None
        if all(each.label is not None for each in batch):
            return [each.label for each in batch if each.label is not None]
        drawn = self._generator.labels_each(seeds, indices).tolist()
        return [own if each.label is None else each.label for each, own in zip(batch, drawn, strict=True)]


_Results = Sequence[bytes | Exception] | Exception


def worthwhile(generator: Generator) -> tuple[int, bool]:
    """Return how many samples to compute at once: many if that is faster than one after another, otherwise 1.

    Returns:
        The number, and True if a batch of that size takes only milliseconds.
    """
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

    one, many = seconds(1), seconds(_MOST)
    return (_MOST, many < _QUICK) if one > _WORTH * many else (1, one / _MOST < _QUICK)
