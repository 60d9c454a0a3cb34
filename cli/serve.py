"""dropgan serve"""

import os
from pathlib import Path
from typing import Annotated

import typer

from dropgan.serve.http.limits import Limits

from . import options
from .output import say


def serve(
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL...", help="Model files, or folders of .onnx files.")
    ],
    host: Annotated[
        str,
        typer.Option(
            "--host",
            help="Address to listen on. The default is reachable only from this machine.",
            rich_help_panel=options.SERVICE,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="TCP port.", rich_help_panel=options.SERVICE)
    ] = 8000,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", min=1, max=256, help="Number of processes.", rich_help_panel=options.MACHINE
        ),
    ] = 1,
    threads: Annotated[
        int,
        typer.Option(
            "--threads", min=1, max=1024, help="CPU threads of each process.", rich_help_panel=options.MACHINE
        ),
    ] = 1,
    device: options.Device = "auto",
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            metavar="FILE",
            help="File with the bearer key that requests must send. You can also set DROPGAN_API_KEY.",
            show_default=False,
            rich_help_panel=options.SERVICE,
        ),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(
            "--cors",
            metavar="ORIGIN",
            help="Origin whose pages may call the service. Can be repeated.",
            show_default=False,
            rich_help_panel=options.SERVICE,
        ),
    ] = None,
    queue: Annotated[
        int,
        typer.Option(
            "--queue",
            min=1,
            max=100_000,
            help="Samples that can wait; further requests are refused.",
            rich_help_panel=options.MACHINE,
        ),
    ] = Limits.queue,
    seconds: Annotated[
        float,
        typer.Option(
            "--timeout",
            min=0.1,
            max=3600,
            help="Seconds allowed for each answer.",
            rich_help_panel=options.MACHINE,
        ),
    ] = Limits.seconds,
    grace: Annotated[
        int,
        typer.Option(
            "--grace",
            min=0,
            max=3600,
            help="Seconds allowed for open requests at shutdown.",
            rich_help_panel=options.MACHINE,
        ),
    ] = 30,
    quiet: options.Quiet = False,
) -> None:
    """Serve samples over HTTP at permanent addresses, with a page to browse them."""
    from dropgan.serve.client import KEY_VARIABLE
    from dropgan.serve.errors import InputError
    from dropgan.serve.http.server import serve as serve_models
    from dropgan.serve.ordinary import read_text

    key = os.environ.get(KEY_VARIABLE)
    if key_file is not None:
        try:
            key = read_text(key_file).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the key {key_file}: {error}") from error
    if key is not None and not key:
        raise typer.BadParameter("the key is empty: put one into --key-file or DROPGAN_API_KEY")
    say(f"serving at http://{host}:{port}/", quiet=quiet)
    serve_models(
        models,
        host=host,
        port=port,
        workers=workers,
        device=device,
        threads=threads,
        key=key,
        cors=cors or (),
        limits=Limits(queue=queue, seconds=seconds),
        grace=grace,
        access_log=not quiet,
    )
