"""Write any number of samples into an output directory, each exactly once."""

import os
import time
from dataclasses import dataclass, replace

from ..client import Client
from ..cores import require_threads
from ..errors import InputError, OptionError, OutputError
from ..generator import Generator
from ..outputs import local_path
from ..providers import CPU
from ..reporter import LOGGED, Progress, Reporter
from ..seeds import seed_number
from .check import compare
from .cluster import require_ray
from .describe import describe
from .job import Job, Part, Shards
from .keep import describe_keep
from .labels import Labels, label_rule
from .making import Listeners, Machinery, make_shards
from .output import Line, OutputDirectory, read_manifests
from .room import require_room_for


@dataclass(frozen=True)
class Report:
    """Result of a call of `generate`.

    Attributes:
        out: The output directory.
        shards: Shards of the job, or of this part of it.
        made: Number of them that this call made.
        found: Number of them that already existed and matched the manifest's digests.
        samples: Samples in all of them, after the filter.
        generated: Samples in all of them, before the filter.
        bytes: Size of all of them.
        complete: True if every shard of the job exists, including other parts.
        seconds: Duration of the call.
        plan: Text that names the workers, threads and batch size used.
    """

    out: str
    shards: int
    made: int
    found: int
    samples: int
    generated: int
    bytes: int
    complete: bool
    seconds: float
    plan: str


def generate(
    model: str | os.PathLike[str] | bytes | Client,
    out: str | os.PathLike[str],
    count: int,
    *,
    seed: int | str = 0,
    start: int = 0,
    format: str = "npy",
    shard_size: int | None = None,
    part: Part | str | None = None,
    truncation: float = 1.0,
    keep: str | None = None,
    labels: Labels | None = None,
    device: str = "auto",
    workers: int | None = None,
    threads: int | None = None,
    batch_size: int | None = None,
    ray: str | None = None,
    reporter: Reporter = LOGGED,
) -> Report:
    """Write samples ``start`` to ``start + count - 1`` of ``seed`` as shards.

    On one kind of machine with the same libraries, the bytes of the shards depend only on the model, the
    range, ``seed``, ``format``, ``shard_size``, ``truncation``, ``keep`` and ``labels``. If you repeat a
    call, it makes only shards that are missing or damaged.

    Args:
        model: Path or bytes of a file that ``dropgan export`` wrote; or a `Client`, whose service
            makes the samples. With a `Client` you cannot set device, workers, threads, batch size or cluster.
        out: The output directory: new, empty, or already used for the same job.
        count: Number of samples, 1 or more.
        seed: 0 to 2**64 - 1, or any text, see `seed_number`; job.json records the number.
        start: Index of the first sample.
        format: Name of a format in `dropgan.serve.batch.FORMATS` that can hold the model's samples.
        shard_size: Samples per shard; None for about 64 MiB of pixels, at most 65,536 samples
            (4,096 pictures in a folder). Shards are cut at multiples of it.
        part: ``k/n``: make only the k-th of n nearly equal parts of the job. The parts may share one
            directory, or be written to several that you merge afterwards.
        truncation: Factor for the latents, above 0 and at most 1. Smaller values make samples more alike.
        keep: ``module:function`` that takes uint8 [n, height, width, channels] and returns n
            booleans; samples with a false one are left out.
        labels: Only for class-conditional models: the number or name of one class for all samples; several,
            of which sample i takes number i modulo their count; ``balanced``, the classes in turn;
            ``uniform``, random ones, all equally often; or ``data``, random ones, as often as in the
            training data. None means ``uniform``, or ``data`` for vectors.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        workers: Number of processes; None measures which is fastest.
        threads: CPU threads per process; None measures which is fastest.
        batch_size: Samples computed at once; None measures which is fastest.
        ray: Address of a Ray cluster (``auto``, ``HOST:PORT``, or ``local``) to make the shards on.
            ``out`` must be on storage that all its nodes share.
        reporter: Receives the number of finished samples of this part (including those found in place)
            and messages.

    Raises:
        InputError: An argument is out of range, or the filter failed.
        ModelError: The model cannot be loaded.
        DeviceError: The device does not work.
        ServiceError: The service does not answer.
        MissingExtraError: A library that the format needs is not installed.
        OutputError: The output cannot be written, belongs to another job, or another process is
            writing to it.
    """
    begun = time.monotonic()
    if ray is None:  # a cluster has more
        require_threads(workers, "workers")
    for name, value in (("workers", workers), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, not {value}")
    piece = Part.parse(part) if isinstance(part, str) else part
    directory = local_path(out).absolute()
    wanted = Machinery(device, workers, threads, batch_size, ray)
    generator: Generator | Client
    if isinstance(model, Client):
        generator = model
        if wanted != Machinery():
            raise OptionError(
                "the service computes the samples: --device, --workers, --threads, --batch-size and --ray"
                " are for a model file"
            )
    else:
        if ray is not None:
            require_ray()
        generator = Generator(model, device=device, threads=threads)
        if generator.provider == CPU:
            wanted = replace(wanted, device="cpu")  # "auto" is settled once, here
    job = describe(
        generator,
        count,
        seed=seed_number(seed),
        start=start,
        format_=format,
        shard_size=shard_size,
        truncation=truncation,
        keep=describe_keep(keep),
        labels=label_rule(generator, labels),
    )
    shards = job.shards(piece)
    with OutputDirectory(directory, job, piece) as output:
        if output.outdated:
            reporter.note(
                f"the filter {keep} has changed: {output.outdated:,} shards of its earlier"
                " version are made again"
            )
        found, recorded = _find(output, job, shards, reporter)
        todo = Shards(job, shards.numbers, without=found.keys())
        require_room_for(directory, generator, todo)
        output.begin([found[number] for number in sorted(found)])
        lines = dict(found)
        done = sum(line["stop"] - line["start"] for line in found.values())
        total = shards.samples

        def tell() -> None:
            reporter.progress(Progress("sampling", done, total, "samples"))

        tell()

        def on_samples(samples: int) -> None:
            nonlocal done
            done += samples
            tell()

        def on_line(line: Line) -> None:
            before = recorded.get(line["shard"])
            if before is not None and before["files"] != line["files"]:
                raise OutputError(
                    f"shard {line['shard']} was damaged, and the new one differs from what the manifest"
                    " says was made at first: the filter is not a function of the samples alone"
                )
            output.append(line)
            lines[line["shard"]] = line

        words = make_shards(
            todo,
            generator=generator,
            job=job,
            output=output,
            wanted=wanted,
            listeners=Listeners(on_line, on_samples, reporter.say),
        )
        complete = output.finish()
    return Report(
        out=str(out),
        shards=len(shards),
        made=len(todo),
        found=len(found),
        samples=sum(line["samples"] for line in lines.values()),
        generated=sum(line["stop"] - line["start"] for line in lines.values()),
        bytes=sum(entry["bytes"] for line in lines.values() for entry in line["files"]),
        complete=complete,
        seconds=time.monotonic() - begun,
        plan=words,
    )


def _find(
    output: OutputDirectory, job: Job, shards: Shards, reporter: Reporter
) -> tuple[dict[int, Line], dict[int, Line]]:
    """Return the lines of intact shards, and all lines of the manifests, each by shard number."""
    recorded = read_manifests(output.path)
    wanted = [
        line
        for number, line in sorted(recorded.items())
        if number in shards.numbers and line == job.line(job.shard(number), line["samples"], line["files"])
    ]
    if wanted:
        reporter.say(f"checking {len(wanted):,} of {len(shards):,} existing shards")
    found = {}
    for line, problem in compare(output.path, wanted):
        if problem:
            reporter.note(f"{problem}: making it again")
        else:
            found[line["shard"]] = line
    return found, recorded
