"""Where samples are made, and how many at once."""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from dropgan.serve.http.batching import Batcher, BusyError, Wanted


class Model:
    """A model whose samples are their indices; it notes who asks for how many."""

    any_batch, classes = True, 0

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[tuple[str, int]] = []

    def latents(self, count: int) -> Any:
        return np.zeros((count, 1), np.float32)

    def __call__(self, latents: Any, labels: Any = None) -> None:
        time.sleep(self.seconds * len(latents))

    def sample_each(self, seeds: Sequence[int], indices: Sequence[int], **_: object) -> Any:
        self.asked.append((threading.current_thread().name, len(seeds)))
        return np.array(indices)


def encode(samples: Any, wanted: Sequence[Wanted]) -> list[bytes]:
    return [b"%d" % sample for sample in samples]


async def made(batcher: Batcher, count: int, *, light: bool = True) -> list[bytes]:
    futures = [batcher.sample(7, place, None, 1.0, encode, light=light) for place in range(count)]
    try:
        return list(await asyncio.gather(*futures))
    finally:
        batcher.close()


def test_a_quick_model_is_run_by_the_loop() -> None:
    """With a thread, accepted requests wait for the interpreter's lock behind all that are refused."""
    model = Model()
    batcher = Batcher(model, queue=48, most=32)  # type: ignore[arg-type]
    assert asyncio.run(made(batcher, 48)) == [b"%d" % place for place in range(48)]
    assert model.asked == [("MainThread", 32), ("MainThread", 16)]


@pytest.mark.parametrize(("seconds", "light"), [(0.002, True), (0.0, False)])
def test_what_takes_long_has_a_thread(seconds: float, light: bool) -> None:
    """A slow network, or a large picture to compress, must not hold up requests for anything else."""
    model = Model(seconds)
    batcher = Batcher(model, queue=48)  # type: ignore[arg-type]
    assert asyncio.run(made(batcher, 8, light=light)) == [b"%d" % place for place in range(8)]
    assert model.asked
    assert all(name.startswith("dropgan-batches") for name, _ in model.asked)


def test_samples_made_one_by_one_share_a_turn() -> None:
    """Where batches do not pay, one sample a turn of the loop would be one for all requests read in it."""
    model = Model()

    async def turns() -> int:
        batcher, counted = Batcher(model, queue=48, most=1), 0  # type: ignore[arg-type]
        waiting = asyncio.ensure_future(made(batcher, 16))
        while not waiting.done():
            await asyncio.sleep(0)
            counted += 1
        return counted

    assert asyncio.run(turns()) < 12
    assert model.asked == [("MainThread", 1)] * 16


def test_a_full_queue_refuses() -> None:
    """What is beyond the queue is refused at once, and what waits is made all the same."""

    async def ask() -> list[bytes]:
        batcher = Batcher(Model(), queue=4)  # type: ignore[arg-type]
        waiting = [batcher.sample(7, place, None, 1.0, encode) for place in range(4)]
        with pytest.raises(BusyError):
            batcher.sample(7, 4, None, 1.0, encode)
        answers = await asyncio.gather(*waiting)
        batcher.close()
        return list(answers)

    assert asyncio.run(ask()) == [b"0", b"1", b"2", b"3"]


def test_what_fails_is_told_to_each() -> None:
    """A form that fails must not leave its requests waiting, nor harm those for another form."""

    def fails(samples: Any, wanted: Sequence[Wanted]) -> list[bytes]:
        raise ValueError("no")

    async def ask() -> list[Any]:
        batcher = Batcher(Model(), queue=4)  # type: ignore[arg-type]
        waiting = [batcher.sample(7, place, None, 1.0, fails if place % 2 else encode) for place in range(4)]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        batcher.close()
        return answers

    answers = asyncio.run(ask())
    assert [answers[0], answers[2]] == [b"0", b"2"]
    assert all(isinstance(answer, ValueError) for answer in (answers[1], answers[3]))
