"""Server processes: one, or several under a supervisor that replaces those that die."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..client import KEY_VARIABLE
from ..errors import InputError, MissingExtraError
from .limits import Limits

_SETTINGS = "DROPGAN_SERVE"


def serve(
    paths: Sequence[Path],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    device: str = "auto",
    threads: int | None = 1,
    key: str | None = None,
    cors: Sequence[str] = (),
    limits: Limits | None = None,
    grace: int = 30,
    access_log: bool = True,
) -> None:
    """Serve models until SIGTERM or Ctrl-C, then finish the requests in progress.

    Args:
        paths: Model files, or folders of them.
        host: Address to listen on; only this machine can reach the default.
        port: TCP port.
        workers: Number of processes; each loads every model.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads of onnxruntime in each process.
        key: Bearer key, see `create_app`.
        cors: Origins whose pages may call the service.
        limits: Limits of requests.
        grace: Seconds that requests in progress may take after the signal.
        access_log: Log each request as a line of JSON on stderr.

    Raises:
        MissingExtraError: The extra ``[server]`` is not installed.
        InputError: ``workers`` is below 1, or a model's name cannot be part of an address.
        ModelError: A file cannot be loaded.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise MissingExtraError("the service needs pip install 'dropgan[server]'") from error
    if workers < 1:
        raise InputError(f"workers must be at least 1, not {workers}")
    from .models import load_models
    from .protocol import Protocol

    load_models(paths, device=device, threads=threads)  # what is wrong is said before anything listens
    settings = {
        "paths": [str(path.resolve()) for path in paths],
        "device": device,
        "threads": threads,
        "cors": list(cors),
        "limits": asdict(limits or Limits()),
        "access_log": access_log,
    }
    _raise_file_limit()
    os.environ[_SETTINGS] = json.dumps(settings)
    if key is not None:
        os.environ[KEY_VARIABLE] = key
    counters = None
    if workers > 1:
        counters = tempfile.mkdtemp(prefix="dropgan-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counters
    try:
        uvicorn.run(
            f"{__package__}.server:application",
            factory=True,
            http=Protocol,
            ws="none",
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=grace,
            timeout_keep_alive=30,
            h11_max_incomplete_event_size=64 * 2**10,
        )
    finally:
        if counters is not None:
            shutil.rmtree(counters, ignore_errors=True)


def _raise_file_limit() -> None:
    """Allow as many open connections as the system permits; the usual soft limit is 1,024."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def application() -> Any:
    """Return the application of one process, from the settings that `serve` put into the environment."""
    import gc
    import logging

    from .app import create_app
    from .models import load_models

    settings = json.loads(os.environ[_SETTINGS])
    if settings["access_log"]:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        access = logging.getLogger("dropgan.access")
        access.handlers, access.propagate = [handler], False
        access.setLevel(logging.INFO)
    models = load_models(
        [Path(path) for path in settings["paths"]], device=settings["device"], threads=settings["threads"]
    )
    app = create_app(
        models,
        limits=Limits(**settings["limits"]),
        key=os.environ.get(KEY_VARIABLE),
        cors=settings["cors"],
    )
    gc.collect()
    gc.freeze()  # else each full collection visits every object of the libraries, which halts all requests
    return app
