"""Any number of samples into an output directory, exactly once."""

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
        made: How many of them this call made.
        found: How many existed already, with the digests of the manifest.
        samples: Samples in all of them, after the filter.
        generated: Samples in all of them, before the filter.
        bytes: Size of all of them.
        complete: Whether the job is done, all parts included.
        seconds: Duration of the call.
        plan: Workers, threads and batch size that were used, in words.
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

    Every byte of the shards is a function of the model, the samples' range and ``seed``, ``format``,
    ``shard_size``, ``truncation``, ``keep`` and ``labels``, on one kind of machine with the same
    libraries. The same call again makes only what is missing or damaged.

    Args:
        model: Path or bytes of a file that ``dropgan export`` wrote; or a `Client`, whose service
            makes the samples: then device, workers, threads, batch size and cluster are not chosen here.
        out: The output directory: new, empty, or that of the same job.
        count: How many samples, 1 or more.
        seed: 0 to 2**64 - 1, or any text, see `seed_number`; job.json has the number.
        start: Index of the first.
        format: Name of a format, see `dropgan.serve.batch.FORMATS`; it must suit the model's samples.
        shard_size: Samples of a shard; None for some 64 MiB of pixels, at most 65,536 samples
            (4,096 pictures in a folder). Shards are cut at multiples of it.
        part: ``k/n``: make only the k-th of n runs of shards; all n into one directory, or into
            several that are put together afterwards, are the whole job.
        truncation: Factor of the latents, above 0 and at most 1; smaller means more alike.
        keep: ``module:function`` that takes uint8 [n, height, width, channels] and returns n truth
            values; samples with a false one are left out.
        labels: Only of a class-conditional model: a number or name of a class for all samples; several,
            sample i having number i modulo their count; ``balanced``, the classes in turn; ``uniform``,
            random ones, all equally often; or ``data``, as often as in the training data. None is
            ``uniform``, ``data`` for vectors.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        workers: Processes; None for the fastest number, measured.
        threads: CPU threads of each; None for the fastest number, measured.
        batch_size: Samples computed at once; None for the fastest, measured.
        ray: Address of a Ray cluster (``auto``, ``HOST:PORT``, or ``local``) to make the shards on.
            ``out`` must be on storage that all its nodes share.
        reporter: Told how many samples of this part are done, those found in place included, and what
            is found or decided.

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
                f"the filter {keep} has changed: {output.outdated:,} shards that its earlier version chose"
                " from are made again"
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
    """The lines of shards that are there and whole, and all lines that the manifests have."""
    recorded = read_manifests(output.path)
    wanted = [
        line
        for number, line in sorted(recorded.items())
        if number in shards.numbers and line == job.line(job.shard(number), line["samples"], line["files"])
    ]
    if wanted:
        reporter.say(f"checking {len(wanted):,} of {len(shards):,} shards that are there")
    found = {}
    for line, problem in compare(output.path, wanted):
        if problem:
            reporter.note(f"{problem}: making it again")
        else:
            found[line["shard"]] = line
    return found, recorded
