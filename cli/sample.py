"""dropgan sample"""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dropgan.serve.batch.formats import FORMATS
from dropgan.serve.cores import MAX_THREADS
from dropgan.serve.errors import InputError

from . import options
from .output import result, result_json
from .source import seed_of, source
from .stoppable import stoppable
from .terminal import terminal

if TYPE_CHECKING:
    from dropgan.serve import Client
    from dropgan.serve.source import Source

_SINGLE = {".npy": "array", ".png": "grid", ".csv": "table", ".parquet": "table"}
_ONE_FILE = ("array", "grid", "table", "raw")
_CHECKED_BYTES = "byte for byte as the manifest says"


def _part(text: str | None) -> str | None:
    """Validate a part of a job."""
    if text is not None:
        from dropgan.serve.batch import Part

        try:
            Part.parse(text)
        except InputError as error:
            raise typer.BadParameter(str(error)) from error
    return text


def sample(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A model file, clothes (a model that comes with dropgan), or the address of a model at"
            " dropgan serve, http://HOST:PORT/NAME. If the service needs a key, set DROPGAN_API_KEY.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="OUT",
            help="Where samples go: a directory for shards, NAME.npy for one array, NAME.png for one grid"
            " picture, NAME.csv or NAME.parquet for one table of vectors, or - for raw bytes on stdout.",
            callback=options.output,
            show_default=False,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", "-n", min=1, help="Number of samples.", rich_help_panel=options.SAMPLES)
    ] = 64,
    seed: Annotated[
        str,
        typer.Option(
            "--seed",
            metavar="N|WORD",
            help="Seed of the samples: a number from 0 to 2^64 - 1, or any text.",
            rich_help_panel=options.SAMPLES,
        ),
    ] = "0",
    start: Annotated[
        int,
        typer.Option("--start", min=0, help="Index of the first sample.", rich_help_panel=options.SAMPLES),
    ] = 0,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"Format of the shards: {', '.join(FORMATS.names)}; or raw, bare bytes.  [default: png; for"
            " vectors parquet, for graphs npy]",
            show_default=False,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option(
            "--shard-size",
            min=1,
            help="Samples in a shard.  [default: 64 MiB of pixels, at most 65,536; png 4,096]",
            show_default=False,
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            "--part",
            metavar="K/N",
            help="Make only the K-th of N parts of the shards, counted from 1; for job arrays.",
            callback=_part,
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    truncation: Annotated[
        float,
        typer.Option(
            "--truncation",
            metavar="T",
            help="Multiply latents by T, above 0 and at most 1; below 1, samples are more alike.",
            rich_help_panel=options.SAMPLES,
        ),
    ] = 1.0,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep",
            metavar="MODULE:FUNCTION",
            help="Keep only samples for which FUNCTION returns True. It gets uint8 [n, height, width,"
            " channels].",
            rich_help_panel=options.SAMPLES,
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="L|L,L,...|WORD",
            help="For class-conditional models: a class by its number or name, or several in turn. uniform"
            " draws all classes equally often, data as often as in the training data, balanced takes them in"
            " turn.  [default: uniform; for vectors data; in a grid balanced]",
            show_default=False,
            rich_help_panel=options.SAMPLES,
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            help="Make the shards on the Ray cluster at this address: auto or HOST:PORT.",
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    device: options.Device = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="Number of processes.  [default: the fastest number, measured]",
            rich_help_panel=options.MACHINE,
            max=MAX_THREADS,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            min=1,
            help="CPU threads of each process.  [default: measured]",
            rich_help_panel=options.MACHINE,
            max=MAX_THREADS,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            min=1,
            help="Samples to compute at once.  [default: measured]",
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="DIR", help="Check the job in DIR against its manifest, and stop."),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make samples from a model file. Sample I of seed S is the same whenever and wherever you make it.

    If a job in a directory is interrupted, run the same command again: it makes only what is missing or
    damaged.
    """
    if verify is not None:
        if model is not None or out is not None:
            raise typer.BadParameter("--verify DIR is used alone: leave out MODEL and -o")
        _verify(verify, json=json, quiet=quiet)
        return
    if model is None:
        raise typer.BadParameter("MODEL is missing: dropgan sample MODEL -o OUT")
    if out is None:
        raise typer.BadParameter("-o is missing: say where the samples go with -o OUT")
    chosen = _choose(out, format_)
    job_options = {"--part": part, "--shard-size": shard_size, "--ray": ray, "--workers": workers}
    given = [name for name, value in job_options.items() if value is not None]
    sharded = chosen not in _ONE_FILE
    if not sharded and (given or batch_size):
        raise typer.BadParameter(f"{(given or ['--batch-size'])[0]} is for jobs: -o DIRECTORY")
    if not sharded and chosen != "raw" and keep:
        raise typer.BadParameter("--keep is for jobs: -o DIRECTORY, or -o -")
    with stoppable(out if sharded else None):
        if sharded:
            _run_job(
                source(model),
                out,
                count,
                json=json,
                quiet=quiet,
                seed=seed_of(seed, quiet=quiet),
                start=start,
                format=chosen,
                shard_size=shard_size,
                part=part,
                truncation=truncation,
                keep=keep,
                labels=labels,
                device=device,
                workers=workers,
                threads=threads,
                batch_size=batch_size,
                ray=ray,
            )
            return
        _run_single(
            source(model),
            out,
            count,
            chosen,
            seed=seed_of(seed, quiet=quiet),
            start=start,
            truncation=truncation,
            keep=keep,
            labels=labels,
            device=device,
            threads=threads,
            json=json,
            quiet=quiet,
        )


def _choose(out: str, format_: str | None) -> str:
    """Return a sharded format, or array, grid, table or raw; empty for shards in the default format."""
    if format_ is not None and format_ not in (*FORMATS.names, "raw"):
        raise typer.BadParameter(f"--format must be {', '.join(FORMATS.names)} or raw, not {format_}")
    if out == "-" or format_ == "raw":
        if out != "-" or format_ not in (None, "raw"):
            raise typer.BadParameter("raw bytes go to stdout only: --format raw -o -")
        return "raw"
    suffix = Path(out).suffix
    if suffix in _SINGLE and not Path(out).is_dir():
        single = _SINGLE[suffix]
        if format_ is not None and not (single == "array" and format_ == "npy"):
            raise typer.BadParameter(f"-o {out} is one file: for shards of {format_}, name a directory")
        return single
    if suffix in (".tar", ".npz", ".jpg", ".zip"):
        raise typer.BadParameter(f"-o {out}: shards go into a directory, -o DIR --format npy|png|tar|parquet")
    return format_ or ""


def _usual_format(model: "Path | Client") -> str:
    from dropgan.serve.kinds import kind_of
    from dropgan.serve.loading import screen

    return kind_of(screen(model)[1].card if isinstance(model, Path) else model.card).usual_format


def _run_job(
    model: "Path | Client", out: str, count: int, *, json: bool, quiet: bool, format: str, **settings: Any
) -> None:
    from dropgan.serve.batch import generate

    settings["format"] = format or _usual_format(model)
    with terminal(quiet=quiet) as reporter:
        report = generate(model, out, count, reporter=reporter, **settings)
    if json:
        result_json(dataclasses.asdict(report))
        return
    kept = f", {report.samples:,} kept" if settings["keep"] else ""
    shards = "shard" if report.shards == 1 else "shards"
    result(
        f"{out}: {report.shards:,} {shards} ({report.made:,} made, {report.found:,} found intact),"
        f" {report.generated:,} samples{kept}, {report.bytes / 1e6:,.1f} MB"
    )
    if not report.complete:
        result(f"part {settings['part']} is done; the job is complete when all parts are done")


def _run_single(
    model: "Path | Client",
    out: str,
    count: int,
    chosen: str,
    *,
    seed: int,
    start: int,
    truncation: float,
    keep: str | None,
    labels: str | None,
    device: str,
    threads: int | None,
    json: bool,
    quiet: bool,
) -> None:
    from dropgan.serve import Generator
    from dropgan.serve.batch.raw import write_raw
    from dropgan.serve.latents import check_truncation
    from dropgan.serve.write import write_grid, write_npy, write_table

    check_truncation(truncation)
    if isinstance(model, Path):
        generator: Source = Generator(model, device=device, threads=threads)
    elif device != "auto" or threads is not None:
        raise typer.BadParameter("--device and --threads are for a model file: a service has its own")
    else:
        generator = model
    where = {"seed": seed, "start": start}
    if chosen == "raw" and json:
        raise typer.BadParameter("--json would mix with the samples on stdout: leave it out")
    with terminal(quiet=quiet) as reporter:
        if chosen == "raw":
            write_raw(
                generator,
                sys.stdout.buffer,
                count,
                truncation=truncation,
                keep=keep,
                labels=labels,
                reporter=reporter,
                **where,
            )
            return
        write = {"grid": write_grid, "array": write_npy, "table": write_table}[chosen]
        write(
            generator,
            Path(out),
            count,
            truncation=truncation,
            labels=labels,
            reporter=reporter,
            **where,
        )
    if json:
        kind = {"array": "npy", "table": Path(out).suffix[1:]}.get(chosen, chosen)
        result_json({"out": out, "format": kind, "count": count, **where, "provider": generator.provider})
    else:
        result(out)


def _verify(path: Path, *, json: bool, quiet: bool) -> None:
    from dropgan.serve.batch import verify

    with terminal(quiet=quiet) as reporter:
        report = verify(path, reporter=reporter)
    if json:
        result_json({**dataclasses.asdict(report), "passed": report.passed})
    else:
        result(
            f"{report.whole:,} of {report.shards:,} shards are {_CHECKED_BYTES}:"
            f" {report.samples:,} samples, {report.bytes / 1e6:,.1f} MB"
        )
        for problem in report.problems[:20]:
            result(f"!!  {problem}")
        if len(report.problems) > 20:
            result(f"!!  and {len(report.problems) - 20} more (--json names them)")
        if report.problems:
            result("run the job's command again to make what is missing or damaged")
    if not report.passed:
        raise typer.Exit(1)
