"""Make the shards of a job on a Ray cluster with Ray Data: one actor per worker, each loading the model once.

If a worker dies, Ray gives the shards of its block to another one. Half-written shards have temporary names,
and shards that were already published are published again with the same bytes.
"""

import contextlib
import json
import math
import os
import re
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import ClusterError, DropganError, MissingExtraError, OutputError, told
from ..generator import Generator
from ..providers import CPU
from .describe import made_with
from .formats import format_named
from .job import Job, Shards
from .output import Line, OutputDirectory
from .paths import current_directory, lies_here
from .shard import ShardMaker

_PATIENCE = 10.0  # seconds for an answer
_SETTINGS, _FRAME_HEAD = b"\x04", 9
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + _SETTINGS + bytes(5)
_MOST_BLOCKS = 10_000  # of a Ray data set; a longer job has several shards in a block


class ShardActor:
    """An actor that makes shards on one worker of a cluster. Ray constructs it there."""

    def __init__(self, model: Any, job: dict[str, Any], settings: dict[str, Any]) -> None:
        """Open the model, given as a reference into Ray's object store."""
        import ray  # pyright: ignore[reportMissingImports]

        self._job = Job.from_dict(job)
        self._directory = Path(settings["directory"])
        self._refusal: tuple[str, str] | None = None
        if settings["here"]:  # where the filter may lie
            sys.path.append(settings["here"])
        try:
            generator = Generator(ray.get(model), device=settings["device"], threads=settings["threads"])
            here = made_with(generator, format_named(self._job.format))
            if here != self._job.made_with:
                differing = {key for key in here if here[key] != self._job.made_with.get(key)}
                raise OutputError(
                    f"node {_node()} would write different bytes than the one that began the job:"
                    f" {', '.join(f'{key} is {here[key]}' for key in sorted(differing))} there"
                )
            if not self._directory.is_dir():
                raise OutputError(
                    f"{self._directory} does not exist on node {_node()}: the output of a cluster must be"
                    " on storage that all nodes share"
                )
            self._maker = ShardMaker(
                generator,
                self._job,
                self._directory,
                settings["tag"],
                batch_size=settings["batch_size"],
                overlap=generator.provider != CPU,
                progress=lambda _: None,
            )
        except (DropganError, MemoryError) as error:  # Ray would start the actor again and again
            self._refusal = (type(error).__name__, str(error))

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Make the shards of a batch and return one line of JSON for each."""
        if self._refusal:
            return {"line": [json.dumps({"error": self._refusal})]}
        shards = [self._job.shard(int(number)) for number in batch["shard"]]
        try:
            return {"line": [json.dumps(line) for line in self._maker.make(iter(shards))]}
        except (DropganError, MemoryError) as error:
            return {"line": [json.dumps({"error": (type(error).__name__, str(error))})]}


def require_ray() -> Any:
    """Return the module ``ray`` with its data library loaded.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports]
        import ray.data  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("--ray needs Ray: install it with pip install 'dropgan[ray]'") from error
    return ray


def connect(ray: Any, address: str) -> None:
    """Connect to the cluster at ``address``.

    Raises:
        ClusterError: No cluster answers there.
    """
    require_answer(os.environ.get("RAY_ADDRESS", "") if address == "auto" else address)
    try:
        with _elsewhere():
            ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or ["no answer"])[0]
        raise ClusterError(f"no Ray cluster at {address}: {reason}") from error


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """Change to an empty directory for the block, because Ray's workers look for modules in the driver's
    directory.
    """
    if lies_here():
        yield
        return
    with tempfile.TemporaryDirectory(prefix="dropgan-") as empty, contextlib.chdir(empty):
        yield


def require_answer(address: str) -> None:
    """Refuse an address that nothing answers. Ray itself would retry for minutes.

    Ray speaks gRPC, which is HTTP/2: a server answers the connection preface at once with a SETTINGS frame
    (RFC 9113, sections 3.4 and 4.1).

    Args:
        address: ``HOST:PORT`` or ``ray://HOST:PORT``. Any other form is not checked, because Ray itself
            reports an error for it at once.

    Raises:
        ClusterError: Nothing listens there, or it does not speak HTTP/2.
    """
    match = re.fullmatch(r"(?:ray://)?(?P<host>\[[^]]+\]|[^:/\[\]]+):(?P<port>\d{1,5})", address)
    if match is None or os.environ.get("RAY_USE_TLS", "0") != "0":
        return
    host, port = match["host"].strip("[]"), int(match["port"])
    try:
        with socket.create_connection((host, port), _PATIENCE) as connection:
            connection.sendall(_GREETING)
            head = connection.makefile("rb").read(_FRAME_HEAD)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ClusterError(f"no Ray cluster at {address}: {reason}") from error
    if head[3:4] != _SETTINGS:
        raise ClusterError(f"no Ray cluster at {address}: something else listens there")


def make_on_ray(
    shards: Shards,
    *,
    address: str,
    model: bytes,
    job: Job,
    output: OutputDirectory,
    device: str,
    workers: int | None,
    threads: int,
    batch_size: int | None,
    on_line: Callable[[Line], None],
    on_samples: Callable[[int], None],
) -> str:
    """Make shards on the cluster at ``address`` (``local`` starts one here).

    Returns:
        Text that names what was used.

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: The cluster cannot be reached.
        OutputError: A worker cannot write, or its node would make different bytes.
    """
    ray = require_ray()
    mine = not ray.is_initialized()
    if mine:
        connect(ray, address)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        gpus = 1 if device.startswith("cuda") or device == "auto" else 0
        resources = ray.cluster_resources()
        available = resources.get("GPU", 0) if gpus else resources.get("CPU", 1) / threads
        most = max(1, min(workers or math.floor(available), len(shards)))
        settings = {
            "directory": str(output.path),
            "tag": output.tag,
            "device": device,
            "threads": threads,
            "batch_size": batch_size,
            "here": str(current_directory() or "") if job.keep else "",
        }
        lines = ray.data.from_items(
            [{"shard": shard.number} for shard in shards],
            override_num_blocks=min(len(shards), _MOST_BLOCKS),
        ).map_batches(
            ShardActor,
            fn_constructor_args=(ray.put(model), asdict(job), settings),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most),
            num_cpus=threads,
            num_gpus=gpus or None,
        )
        for row in lines.iter_rows():
            answer = json.loads(row["line"])
            if "error" in answer:
                kind, message = answer["error"]
                raise told(kind, message)
            _must_see(output, answer)
            on_samples(answer["stop"] - answer["start"])
            on_line(answer)
    finally:
        if mine:
            ray.shutdown()
    return f"up to {most} Ray workers of {threads} thread{'s' if threads > 1 else ''}"


def _must_see(output: OutputDirectory, line: Line) -> None:
    for entry in line["files"]:
        if not (output.path / entry["name"]).exists():
            raise OutputError(
                f"{entry['name']} was made on a node whose {output.path} is not the one here: the output"
                " of a cluster must be on storage that all nodes share"
            )


def _node() -> str:
    return os.uname().nodename if hasattr(os, "uname") else "?"
