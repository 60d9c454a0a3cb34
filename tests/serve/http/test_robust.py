"""Overload, slow and endless clients, idle connections, and requests that a machine made up."""

import asyncio
import importlib.util
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from .conftest import service
from .load import load
from .test_service import digest

_SECONDS_TO_RECOVER = 2


@pytest.fixture(scope="module")
def served(model_file: Path) -> Iterator[tuple[str, int, int]]:
    """A service of one model with a short queue: path of a seed's samples, port, process."""
    with service(model_file, "--quiet", "--queue", 16, "--timeout", 3) as (url, process):
        yield f"/{digest(model_file)}/7", int(url.rpartition(":")[2]), process.pid


def resident(pid: int) -> float:
    """MiB of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def recovers(port: int, path: str) -> None:
    """One request and the next are answered, and soon."""
    end = time.monotonic() + _SECONDS_TO_RECOVER
    while httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10).status_code != 200:
        assert time.monotonic() < end
    assert httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10).status_code == 200


def test_more_than_it_can_make(served: tuple[str, int, int]) -> None:
    """Ten times what it is for: some are answered, the others refused at once, none waits in vain."""
    base, port, pid = served
    load(port, base, 8, 0.5)
    before = resident(pid)
    seen = load(port, base, 160, 2)
    assert seen.wrong == []
    assert len(seen.accepted()) > 20
    assert seen.refused() > 20
    assert resident(pid) - before < 40
    recovers(port, f"{base}/1.png")
    counted = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'status="503"' in counted


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_minute_of_overload(model_file: Path) -> None:
    """What is accepted stays quick, memory stays flat, and afterwards all is as before."""
    with service(model_file, "--quiet") as (url, process):
        base, port = f"/{digest(model_file)}/7", int(url.rpartition(":")[2])
        load(port, base, 32, 5)
        usual = load(port, base, 32, 10)
        before = resident(process.pid)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
            flood = other.submit(load, port, base, 312, 60)  # whose own queues must not count as waiting
            seen = load(port, base, 8, 60, first=1000)
            rest = flood.result()
        held = resident(process.pid) - before
        recovers(port, f"{base}/1.png")
        after = load(port, base, 32, 5)
        print(
            f"\n32 connections: {len(usual.answers) / 10:.0f}/s, p99 {usual.p99() * 1000:.1f} ms\n"
            f"320 connections, 60 s: {(len(seen.accepted()) + len(rest.accepted())) / 60:.0f}/s accepted,"
            f" {(seen.refused() + rest.refused()) / 60:.0f}/s refused,"
            f" p99 of the accepted {seen.p99() * 1000:.1f} ms (of 8 connections in a process of their own),"
            f" memory {held:+.1f} MiB\n32 connections again: {len(after.answers) / 5:.0f}/s"
        )
        assert usual.wrong == seen.wrong == rest.wrong == after.wrong == []
        assert usual.refused() == after.refused() == 0
        assert rest.refused() > 1000
        assert seen.p99() < 5 * usual.p99()
        assert held < 40


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


@pytest.mark.parametrize("count", [300, pytest.param(2000, marks=pytest.mark.slow)])
def test_idle_connections(served: tuple[str, int, int], count: int) -> None:
    """Browsers and proxies keep connections open: thousands that say nothing hold nobody up."""
    base, port, _ = served
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(closing(_connected(port)))
        load(port, base, 1, 0.1)  # until the service has taken all of them
        seen = load(port, base, 4, 1)
    assert (seen.wrong, seen.refused()) == ([], 0)
    assert len(seen.accepted()) > 50


def test_slow_clients(served: tuple[str, int, int]) -> None:
    """Headers and bodies that come a byte at a time hold nobody up, and such a body is given up in time."""
    base, port, _ = served
    post = f"POST /{base.split('/')[1]}/samples HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n"
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(_connected(port))) for _ in range(100)]
        for place, each in enumerate(slow):
            each.sendall(f"GET {base}/".encode() if place % 2 else f"{post}\r\n".encode())
        seen = load(port, base, 4, 1)
        assert (seen.wrong, seen.refused()) == ([], 0)
        assert len(seen.accepted()) > 50
        for each in slow:
            each.sendall(b"1")
        answer = slow[0].recv(4096)  # after the 3 seconds of --timeout
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_endless_body(served: tuple[str, int, int], method: str) -> None:
    """Nobody reads it: a POST is cut off, a GET answered; memory stays flat and others are served."""
    base, port, pid = served
    before, chunk = resident(pid), b"10000\r\n" + bytes(2**16) + b"\r\n"
    path = f"/{base.split('/')[1]}/samples" if method == "POST" else f"{base}/3.png"
    sent = 0
    with closing(_connected(port)) as endless:
        head = f"{method} {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
        endless.sendall(f"{head}content-type: application/json\r\n\r\n".encode())
        endless.settimeout(1)
        try:
            while sent < 64 * 2**20:
                sent += endless.send(chunk)
        except OSError:
            pass
        recovers(port, f"{base}/4.png")
    assert resident(pid) - before < 60
    if method == "POST":
        assert sent < 64 * 2**20


def test_a_client_that_leaves_costs_nothing_more(served: tuple[str, int, int]) -> None:
    """Requests whose clients have gone are not made: those that are still there come sooner."""
    base, port, _ = served
    for _ in range(20):
        connections = [_connected(port) for _ in range(16)]
        for place, each in enumerate(connections):
            each.sendall(f"GET {base}/{place}.png HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            each.close()
    recovers(port, f"{base}/5.png")
    assert asyncio.run(_made_for_nobody()) == []


async def _made_for_nobody() -> list[int]:
    """Which of some samples a batcher makes if all clients have left meanwhile."""
    from dropgan.serve.http.batching import Batcher, LeftError

    class Still:
        """A model that notes what it is asked for."""

        any_batch, classes = False, 0
        asked: list[int] = []  # noqa: RUF012

        def sample(self, count: int, *, start: int, **_: object) -> list[int]:
            self.asked.append(start)
            return [start]

    model = Still()
    batcher = Batcher(model, queue=8)  # type: ignore[arg-type]
    made = [batcher.sample(0, place, None, 1.0, lambda wanted, _: [b""] * len(wanted), lambda: True)
            for place in range(5)]  # fmt: skip
    for each in made:
        with pytest.raises(LeftError):
            await each
    batcher.close()
    return model.asked


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_whatever_the_openapi_document_allows(address: str, tmp_path: Path) -> None:
    """schemathesis makes requests up from the document: none is a 5xx, every answer is as it says."""
    if importlib.util.find_spec("schemathesis") is None:
        pytest.skip("schemathesis is not installed")
    document = httpx.get(f"{address}/openapi.json").json()
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in ("model", "name"):  # so that it gets behind the first door
                    parameter["schema"] = {"enum": ["blobs", "bars", "rows"]}
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        str(tmp_path / "openapi.json"),
        "--url",
        address,
        "--checks",
        "all",
        "--seed",
        "1",
    ]
    # what is refused for a reason that no schema can say (a class that there is not) is no violation
    command += ["--exclude-checks", "positive_data_acceptance", "--max-examples", "50", "--seed", "1"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout[-6000:]
