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

Left = Callable[[], bool]
"""Returns True once the client of a request has disconnected."""

Encode = Callable[[NDArray[Any], Sequence["Wanted"]], list[bytes]]
"""Samples [n, ...] and their requests to bodies of answers. Requests with the same one share a call."""

Answer = Callable[["bytes | Exception"], None]
"""Receives the encoded sample, or the error that prevented it."""

_MOST = 32
_TRIALS = 9
_WORTH = 1.3  # times as fast a batch must be before requests wait for one another
_STILL = 0.01  # seconds for which the event loop may stand still to make samples
_FEWEST = 8  # samples in that time below which they are made in a thread
_SWEEP = 0.1  # seconds between looks for what has waited too long: one timer for all, not one each


class BusyError(DropganError):
    """Too many requests are waiting."""


class TooSlowError(DropganError):
    """The answer took longer than the limit."""


class LeftError(DropganError):
    """The client disconnected, so nobody reads the answer."""


@dataclass(slots=True, eq=False)
class Wanted:
    """A sample that a request waits for."""

    seed: int
    index: int
    label: int | None
    """Number of the class. If the request has none, the batch fills in the class that it draws."""
    truncation: float
    encode: Encode
    answer: Answer
    light: bool = True
    """Whether encoding takes little time compared with the network."""
    left: Left | None = None
    end: float = 0.0
    answered: bool = False

    def settle(self, result: "bytes | Exception") -> None:
        """Pass on the result, unless there was one before."""
        if not self.answered:
            self.answered = True
            self.answer(result)


class Batcher:
    """Makes single samples for many requests together.

    While one batch is computed, requests for the next one accumulate. No request waits for others to arrive,
    and batches grow with the load. The event loop itself computes a batch that takes milliseconds, one in
    each of its turns. A thread would exchange the interpreter lock with the loop at every step, which costs
    more than it gains, and under overload it would wait for the lock behind all the requests that must be
    refused.
    Slower batches are computed in a thread.

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
        self.most, self._turn = worthwhile(generator) if generator.any_batch else (1, 0)
        if most is not None and generator.any_batch:
            self.most = most
        self._waiting: deque[Wanted] = deque()
        self._unanswered: deque[Wanted] = deque()
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

    def request(self, wanted: Wanted) -> None:
        """Queue a request. The event loop calls its ``answer`` once.

        The result is the encoded sample or an error: `LeftError` (the client disconnected before the sample
        was made), `TooSlowError` (it took too long), `ModelError` (onnxruntime could not run the model), or
        any other error of the computation.

        Raises:
            BusyError: The queue is full.
        """
        self.require_room()
        loop = asyncio.get_running_loop()
        wanted.end = loop.time() + self._seconds
        self._waiting.append(wanted)
        self._unanswered.append(wanted)
        if not self._working:
            self._working = True
            loop.call_soon(self._next, loop)  # requests that were read in this turn of the loop join
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(_SWEEP, self._sweep, loop)

    def sample(
        self,
        seed: int,
        index: int,
        label: int | None,
        truncation: float,
        encode: Encode,
        left: Left | None = None,
        *,
        light: bool = True,
    ) -> "asyncio.Future[bytes]":
        """Return a future of the encoded sample. If the caller cancels the future, the sample is not made.

        Raises:
            BusyError: The queue is full.
        """
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def answer(result: "bytes | Exception") -> None:
            if done.done():
                return
            if isinstance(result, Exception):
                done.set_exception(result)
            else:
                done.set_result(result)

        def gone() -> bool:
            return done.done() or (left is not None and left())

        self.request(Wanted(seed, index, label, truncation, encode, answer, light, gone))
        return done

    def close(self) -> None:
        """End the thread after its current batch."""
        self._thread.shutdown(wait=True)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drop requests that have waited too long. The oldest come first in the queue."""
        now = loop.time()
        while self._unanswered and (self._unanswered[0].answered or self._unanswered[0].end <= now):
            wanted = self._unanswered.popleft()
            wanted.settle(TooSlowError(f"no answer within {self._seconds:g} seconds"))
        self._sweeping = bool(self._unanswered)
        if self._sweeping:
            loop.call_later(_SWEEP, self._sweep, loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        batch: list[Wanted] = []
        while self._waiting and len(batch) < (self._turn or self.most):
            wanted = self._waiting.popleft()
            if wanted.answered:  # it waited too long
                continue
            if wanted.left is not None and wanted.left():
                wanted.settle(LeftError("the client has left"))
            else:
                batch.append(wanted)
        if not batch:
            self._working = False
        elif self._turn and all(wanted.light for wanted in batch):
            loop.call_soon(self._next, loop)
            self._deliver(batch, self._made(batch))
        else:
            made = loop.run_in_executor(self._thread, self._made, batch)
            made.add_done_callback(lambda future: self._from_thread(loop, batch, future))

    def _from_thread(
        self, loop: asyncio.AbstractEventLoop, batch: list[Wanted], future: "asyncio.Future[_Results]"
    ) -> None:
        self._next(loop)  # the thread has work before the answers go out
        ended = future.cancelled()
        self._deliver(batch, BusyError("the service is stopping") if ended else future.result())

    def _deliver(self, batch: list[Wanted], results: "_Results") -> None:
        bodies = [results] * len(batch) if isinstance(results, Exception) else results
        for wanted, body in zip(batch, bodies, strict=True):
            wanted.settle(body)

    def _made(self, batch: list[Wanted]) -> "_Results":
        seeds, indices = [each.seed for each in batch], [each.index for each in batch]
        try:
            labels = self._labels(batch, seeds, indices)
            factors = [each.truncation for each in batch]
            parts = [
                self._generator.sample_each(
                    seeds[part], indices[part], labels=labels and labels[part], truncation=factors[part]
                )
                for part in (slice(first, first + self.most) for first in range(0, len(batch), self.most))
            ]
            samples = parts[0] if len(parts) == 1 else np.concatenate(parts)
        except Exception as error:  # noqa: BLE001 - whatever it is, each request of the batch is told
            return error
        groups: dict[Encode, list[int]] = {}
        for place, each in enumerate(batch):
            groups.setdefault(each.encode, []).append(place)
        if len(groups) == 1:
            return _encoded(batch[0].encode, samples, batch)
        made: list[bytes | Exception] = [b""] * len(batch)
        for encode, places in groups.items():
            bodies = _encoded(encode, samples[places], [batch[place] for place in places])
            for place, body in zip(places, bodies, strict=True):
                made[place] = body
        return made

    def _labels(self, batch: list[Wanted], seeds: list[int], indices: list[int]) -> list[int] | None:
        """Return the class of each sample. Where the request has none, the model draws it."""
        if not self._generator.classes:
            return None
        if any(each.label is None for each in batch):
            for each, own in zip(batch, self._generator.labels_each(seeds, indices).tolist(), strict=True):
                if each.label is None:
                    each.label = own
        return [each.label for each in batch if each.label is not None]


def _encoded(encode: Encode, samples: NDArray[Any], wanted: Sequence[Wanted]) -> Sequence[bytes | Exception]:
    try:
        return encode(samples, wanted)
    except Exception as error:  # noqa: BLE001 - each request of the batch is told
        return [error] * len(wanted)


_Results = Sequence[bytes | Exception] | Exception


def worthwhile(generator: Generator) -> tuple[int, int]:
    """Return how many samples to compute at once: many if that is faster than one after another, otherwise 1.

    Returns:
        The number, and how many samples the event loop may make in one turn; 0 if a thread must make them.
    """
    labels = np.full(_MOST, generator.class_numbers[0]) if generator.classes else None
    latents = generator.latents(_MOST)

    def seconds(size: int) -> float:
        began = time.perf_counter()
        for place in range(0, _MOST, size):
            part = slice(place, place + size)
            generator(latents[part], None if labels is None else labels[part])
        return time.perf_counter() - began

    # in turns, so that what else the machine does meanwhile falls on both
    times = [(seconds(_MOST), seconds(1)) for _ in range(_TRIALS)]
    many, one = (min(column) for column in zip(*times, strict=True))
    pays = one > _WORTH * many
    turn = min(_MOST, int(_STILL * _MOST / (many if pays else one)))
    return _MOST if pays else 1, turn if turn >= _FEWEST else 0
