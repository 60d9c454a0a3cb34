"""A worker process: `python -m dropgan.serve.batch.worker`, which only pool.py starts.

It reads from standard input one line of JSON, the model's bytes, one shard number per line, and ``end``. It
answers on standard output with one line of JSON each.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import DropganError
from ..generator import Generator
from .job import Job, Shard
from .shard import ShardMaker

_SECONDS_BETWEEN_REPORTS = 0.2


class _Answers:
    """Sends lines to the parent from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._lock = stream, threading.Lock()
        self._samples, self._spoken = 0, time.monotonic()

    def say(self, **message: Any) -> None:
        with self._lock:
            self._stream.write(json.dumps(message).encode() + b"\n")
            self._stream.flush()

    def progress(self, samples: int) -> None:
        self._samples += samples
        if time.monotonic() - self._spoken > _SECONDS_BETWEEN_REPORTS:
            self.flush()

    def flush(self) -> None:
        samples, self._samples, self._spoken = self._samples, 0, time.monotonic()
        self.say(samples=samples)


def main() -> None:
    """Do what the parent asks, and exit at once if it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends us
    orders = sys.stdin.buffer
    answers = _Answers(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # what a filter prints must not get among the answers
    setup = json.loads(orders.readline())
    model = orders.read(setup["model_bytes"])
    sys.path[:] = setup["sys_path"]
    status = 1
    try:
        job = Job.from_dict(setup["job"])
        generator = Generator(model, device=setup["device"], threads=setup["threads"])
        maker = ShardMaker(
            generator,
            job,
            Path(setup["directory"]),
            setup["tag"],
            batch_size=setup["batch_size"],
            overlap=setup["overlap"],
            progress=answers.progress,
        )
        shards = _Orders(job, orders)
        for line in maker.make(iter(shards), stop=shards.end):
            answers.flush()
            answers.say(line=line)
        status = 0
    except DropganError as error:
        answers.say(error=type(error).__name__, message=str(error))
    except MemoryError as error:
        answers.say(error="MemoryError", message=str(error))
    except Exception as error:  # noqa: BLE001 - a bug, or no memory; the parent says it
        answers.say(error="DropganError", message=f"a worker failed: {type(error).__name__}: {error}")
    os._exit(status)  # without waiting for the thread that listens to the parent


class _Orders:
    """The requested shards, read by a thread that ends the process when the parent is gone."""

    def __init__(self, job: Job, orders: BinaryIO) -> None:
        self._job, self._orders = job, orders
        self._numbers: queue.Queue[int | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __iter__(self) -> Iterator[Shard]:
        while (number := self._numbers.get()) is not None:
            yield self._job.shard(number)

    def end(self) -> None:
        """Stop after the current shard, whatever else was requested."""
        self._numbers.put(None)

    def _listen(self) -> None:
        for order in self._orders:
            if order.strip() == b"end":
                self.end()
                self._orders.read()  # until the parent closes the pipe
                break
            self._numbers.put(int(order))
        os._exit(1)  # the parent is gone: what this process leaves is tidied by the next run


if __name__ == "__main__":
    main()
