"""Who makes the shards of a job: this process, several of this machine, or a cluster."""

from collections.abc import Callable
from dataclasses import dataclass

from ..generator import Generator
from ..kind import ARRAY
from .formats import format_named, view_for
from .job import Job, Shards
from .output import Line, OutputDirectory
from .pool import make_with_workers
from .shard import ShardMaker
from .tune import plan_workers


@dataclass(frozen=True)
class Machinery:
    """What the caller wants to be used; None leaves a choice open."""

    device: str
    """``cpu``, ``cuda`` or ``cuda:N``."""
    workers: int | None
    """Processes."""
    threads: int | None
    """CPU threads of each."""
    batch_size: int | None
    """Samples computed at once."""
    ray: str | None
    """Address of a Ray cluster."""


@dataclass(frozen=True)
class Listeners:
    """Who is told while shards are made."""

    line: Callable[[Line], None]
    """Given the manifest's line of each shard that has its name."""
    samples: Callable[[int], None]
    """Given the number of samples of each piece that was made."""
    say: Callable[[str], None]
    """Given what was settled, in words, before the first shard."""


def make_shards(
    todo: Shards,
    *,
    generator: Generator,
    job: Job,
    output: OutputDirectory,
    wanted: Machinery,
    listeners: Listeners,
) -> str:
    """Make shards; what is left open is measured for a moment first.

    Returns:
        What was used, in words.

    Raises:
        DropganError: As for `generate`.
    """
    if not todo:
        return "nothing to do"
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
    plan = plan_workers(
        lambda each: Generator(generator.model_bytes, device=wanted.device, threads=each),
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
            model=generator.model_bytes,
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
        generator = Generator(generator.model_bytes, device=wanted.device, threads=plan.threads)
    maker = ShardMaker(
        generator,
        job,
        output.path,
        output.tag,
        batch_size=plan.batch_size,
        overlap=True,
        progress=listeners.samples,
    )
    for line in maker.make(iter(todo)):
        listeners.line(line)
    return str(plan)
