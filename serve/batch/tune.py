"""Choose workers, threads and batch size by a short measurement with the model itself."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..cores import usable_cores
from ..generator import Generator
from ..providers import CPU

_BATCHES = (128, 256, 1024)
_SECONDS = 0.08  # of each measurement; there are about ten
_PATIENCE = 5.0  # seconds for all of them, where a model is slow
_SMALL_JOB = 3.0  # seconds below which starting processes costs more than it gains
_CUDA_WORKERS = 4
_ENCODING_TAKES = 3  # times as long as the model alone, or so
_MARGIN = 1.15  # by which fewer processes must win, for more of them also hash and write side by side


@dataclass(frozen=True)
class WorkerPlan:
    """How a machine does a job. It never changes the result."""

    workers: int
    """Processes; 1 is this one."""
    threads: int
    """CPU threads of each for one batch."""
    batch_size: int | None
    """Samples computed at once; None if the provider fixes it."""
    rate: float
    """Measured samples per second of the model alone; 0 if not measured."""

    def __str__(self) -> str:
        words = f"{self.workers} worker{'s' if self.workers > 1 else ''} of {self.threads} thread"
        words += "s" if self.threads > 1 else ""
        if self.batch_size is not None:
            words += f", batches of {self.batch_size}"
        return words + (f"; the model alone makes {self.rate:,.0f} samples/s so" if self.rate else "")


def plan_workers(
    open_generator: Callable[[int], Generator],
    generator: Generator,
    samples: int,
    shards: int,
    *,
    encoded: bool,
    workers: int | None,
    threads: int | None,
    batch_size: int | None,
) -> WorkerPlan:
    """Settle by measurement what the caller left open.

    Args:
        open_generator: Opens the model with a number of threads on the job's device.
        generator: The model already open, with the threads that the caller asked for.
        samples: Number of samples to make.
        shards: Number of shards to make; there are never more workers than shards.
        encoded: True if samples are encoded, for example as pictures, which takes most of the time.
        workers: Number of processes, or None.
        threads: Threads per process, or None.
        batch_size: Samples computed at once, or None.
    """
    available = usable_cores()
    if generator.provider != CPU:  # batches are fixed there; encoding is what needs processes
        count = workers or (available if encoded else min(_CUDA_WORKERS, available))
        return WorkerPlan(max(1, min(count, shards)), threads or 1, batch_size, 0.0)
    work = samples * (_ENCODING_TAKES if encoded else 1)
    if workers is None and work / _rate([generator], batch_size, 0.02) < _SMALL_JOB * available:
        return WorkerPlan(1, threads or available, batch_size, 0.0)
    if None not in (workers, threads, batch_size):
        return WorkerPlan(max(1, min(workers or 1, shards)), threads or 1, batch_size, 0.0)
    splits = {(workers or available, threads or 1)}
    if workers is None and not encoded:
        splits.add((1, threads or available))
        if available >= 8:
            splits.add((available // 2, threads or 2))
    elif workers is not None:
        splits.add((workers, threads or max(1, available // workers)))
    best = WorkerPlan(1, 1, batch_size, 0.0)
    deadline = time.monotonic() + _PATIENCE
    for count, each in sorted(splits, reverse=True):
        processes = max(1, min(count, shards))
        sessions = [open_generator(each)] * processes  # a session may be used by many threads
        for size in [batch_size] if batch_size else _BATCHES:
            if best.rate and time.monotonic() > deadline:
                break
            rate = _rate(sessions, size, _SECONDS)
            if rate > best.rate * (_MARGIN if processes < best.workers else 1):
                best = WorkerPlan(processes, each, size, rate)
    return best


def _rate(generators: list[Generator], batch_size: int | None, seconds: float) -> float:
    """Return samples per second of several generators together, each called from its own thread."""
    size = batch_size or 128

    def work(generator: Generator) -> int:
        generator.sample(size, batch_size=batch_size)  # the first call allocates
        done, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            generator.sample(size, batch_size=batch_size)
            done += size
        return done

    with ThreadPoolExecutor(len(generators)) as pool:
        begun = time.monotonic()
        done = sum(pool.map(work, generators))
        return done / (time.monotonic() - begun)
