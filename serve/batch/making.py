"""Make the shards of a job in this process, in several processes of this machine, or on a cluster."""

from collections.abc import Callable
from dataclasses import dataclass

from ..client import Client
from ..generator import Generator
from ..kind import ARRAY
from ..source import Source
from .formats import format_named, view_for
from .job import Job, Shards
from .output import Line, OutputDirectory
from .pool import make_with_workers
from .shard import ShardMaker
from .tune import plan_workers


@dataclass(frozen=True)
class Machinery:
    """The caller's choice of processes and device. None leaves a choice open."""

    device: str = "auto"
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``."""
    workers: int | None = None
    """Processes."""
    threads: int | None = None
    """CPU threads of each."""
    batch_size: int | None = None
    """Samples computed at once."""
    ray: str | None = None
    """Address of a Ray cluster."""


@dataclass(frozen=True)
class Listeners:
    """Callbacks that are called while shards are made."""

    line: Callable[[Line], None]
    """Called with the manifest's line of each renamed shard."""
    samples: Callable[[int], None]
    """Called with the number of samples of each finished chunk."""
    say: Callable[[str], None]
    """Called with a text about the settled choices, before the first shard."""


def make_shards(
    todo: Shards,
    *,
    generator: Generator | Client,
    job: Job,
    output: OutputDirectory,
    wanted: Machinery,
    listeners: Listeners,
) -> str:
    """Make shards. Choices left open are measured briefly first.

    Returns:
        Text that names what was used.

    Raises:
        DropganError: As for `generate`.
    """
    if not todo:
        return "nothing to do"
    if isinstance(generator, Client):
        return _make_here(generator, todo, job, output, listeners, None, str(generator))
    if wanted.ray is not None:
        from .cluster import make_on_ray

        return make_on_ray(
            todo,
            address=wanted.ray,
            model=generator.model_bytes,
            job=job,
            output=output,
            device=wanted.device,
            workers=wanted.workers,
            threads=wanted.threads or 1,
            batch_size=wanted.batch_size,
            on_line=listeners.line,
            on_samples=listeners.samples,
        )
    model = generator.model_bytes
    plan = plan_workers(
        lambda each: Generator(model, device=wanted.device, threads=each),
        generator,
        todo.samples,
        len(todo),
        encoded=view_for(format_named(job.format), generator.card) != ARRAY,
        workers=wanted.workers,
        threads=wanted.threads,
        batch_size=wanted.batch_size,
    )
    listeners.say(str(plan))
    if plan.workers > 1:
        make_with_workers(
            todo,
            model=model,
            job=job,
            output=output,
            device=wanted.device,
            workers=plan.workers,
            threads=plan.threads,
            batch_size=plan.batch_size,
            on_line=listeners.line,
            on_samples=listeners.samples,
        )
        return str(plan)
    if wanted.threads is not None or plan.threads == 1:
        generator = Generator(model, device=wanted.device, threads=plan.threads)
    return _make_here(generator, todo, job, output, listeners, plan.batch_size, str(plan))


def _make_here(
    generator: Source,
    todo: Shards,
    job: Job,
    output: OutputDirectory,
    listeners: Listeners,
    batch_size: int | None,
    words: str,
) -> str:
    """Make shards in this process."""
    maker = ShardMaker(
        generator,
        job,
        output.path,
        output.tag,
        batch_size=batch_size,
        overlap=True,
        progress=listeners.samples,
    )
    for line in maker.make(iter(todo)):
        listeners.line(line)
    return words
