"""What a connection may do: many requests at once, closing, leaving, other versions of HTTP."""

import asyncio
import io
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from dropgan.serve import Generator
from dropgan.serve.http.encoders import png
from dropgan.serve.http.protocol import Protocol

from .conftest import service
from .test_service import digest


@pytest.fixture(scope="module")
def port(model_file: Path) -> Iterator[int]:
    """A service of one model."""
    with service(model_file, "--cors", "https://friend.example") as (url, _):
        yield int(url.rpartition(":")[2])


class _Pieces:
    """Answers that stand one behind the other in what a server sent."""

    def __init__(self, raw: bytes) -> None:
        self.file = io.BytesIO(raw)

    def makefile(self, *_: object) -> io.BytesIO:
        return self.file

    def answer(self, method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
        response = HTTPResponse(self, method=method)  # type: ignore[arg-type]
        start = self.file.tell()
        response.begin()
        length = 0 if method == "HEAD" else int(response.headers["content-length"])
        self.file.seek(start)
        head, _, rest = self.file.read().partition(b"\r\n\r\n")
        self.file.seek(start + len(head) + 4 + length)
        self.file = io.BytesIO(self.file.read())
        return response.status, rest[:length], {k.lower(): v for k, v in response.headers.items()}


def talk(port: int, raw: bytes) -> bytes:
    """Send bytes at once, and read until the server closes."""
    with closing(socket.create_connection(("127.0.0.1", port), 20)) as connection:
        connection.sendall(raw)
        got = b""
        while piece := connection.recv(65536):
            got += piece
        return got


def ask(path: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "host: x", *lines, "", ""]).encode()


@pytest.fixture(scope="module")
def pictures(model_file: Path) -> list[bytes]:
    """The first samples of seed 7 as the service has to give them."""
    return [png(sample) for sample in Generator(model_file, device="cpu").sample(6, seed=7)]


def test_requests_at_once_are_answered_in_turn(port: int, model_file: Path, pictures: list[bytes]) -> None:
    """A client that does not wait for answers must not get another request's picture."""
    base = f"/{digest(model_file)}/7"
    raw = b"".join(
        [
            ask(f"{base}/0.png"),
            ask(f"{base}/1.png"),
            ask("/healthz"),
            ask(f"{base}/2.png", method="HEAD"),
            ask(f"{base}/3.png?scale=0"),
            ask(f"{base}/4.png", "content-length: 3") + b"abc",
            ask(f"{base}/5.png", "connection: close"),
        ]
    )
    got = _Pieces(talk(port, raw))
    assert got.answer()[:2] == (200, pictures[0])
    assert got.answer()[:2] == (200, pictures[1])
    assert got.answer()[:2] == (200, b'{"status":"ok"}')
    status, _, headers = got.answer("HEAD")
    assert (status, headers["content-length"]) == (200, str(len(pictures[2])))
    assert got.answer()[0] == 422
    assert got.answer()[:2] == (200, pictures[4])
    assert got.answer()[:2] == (200, pictures[5])
    assert got.file.read() == b""


def test_every_way_gives_the_same_answer(port: int, model_file: Path, pictures: list[bytes]) -> None:
    """Headers and body do not depend on how a request comes."""
    path = f"/{digest(model_file)}/7/1.png"
    kept = _Pieces(talk(port, ask(path) + ask("/healthz", "connection: close"))).answer()
    closed = _Pieces(talk(port, ask(path, "connection: close"))).answer()
    old = _Pieces(talk(port, ask(path, version="1.0"))).answer()
    friend = _Pieces(talk(port, ask(path, "origin: https://friend.example", "connection: close"))).answer()
    for _, body, headers in (kept, closed, old, friend):
        assert body == pictures[1]
        for name in ("content-type", "content-length", "etag", "cache-control", "date"):
            assert name == "date" or headers[name] == kept[2][name]
            assert name in headers
    assert friend[2]["access-control-allow-origin"] == "https://friend.example"
    known = _Pieces(
        talk(port, ask(path, f"if-none-match: {kept[2]['etag']}", "connection: close") + b"")
    ).file.read()
    assert known.startswith(b"HTTP/1.1 304")


def test_who_leaves_harms_nobody(port: int, model_file: Path, pictures: list[bytes]) -> None:
    """Clients that hang up before their picture is made leave the others theirs."""
    path = f"/{digest(model_file)}/7/2.png"
    for _ in range(30):
        with closing(socket.create_connection(("127.0.0.1", port), 20)) as connection:
            connection.sendall(ask(path))
    end = time.monotonic() + 20
    while True:
        assert httpx.get(f"http://127.0.0.1:{port}{path}", timeout=20).content == pictures[2]
        counted = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20).text
        ended = [line for line in counted.splitlines() if line.startswith("dropgan_requests_total{")]
        if sum(float(line.rpartition(" ")[2]) for line in ended if 'route="sample"' in line) >= 31:
            break
        assert time.monotonic() < end, counted
    assert 'dropgan_waiting_samples{model="model_file"} 0.0' in counted


def test_connections_that_wait_too_long_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent clients and headers that never end give their connections back; an answer that takes long
    keeps its own."""
    monkeypatch.setattr("dropgan.serve.http.protocol._SECONDS", 0.3)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.8)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def ends(port: int, sent: bytes) -> tuple[bytes, float]:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        try:
            got = await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            got = b""
        writer.close()
        return got, time.monotonic() - began

    async def all_of_them() -> list[tuple[bytes, float]]:
        config = uvicorn.Config(slow, http=Protocol, lifespan="off", log_level="error", timeout_keep_alive=30)
        config.load()
        loop, state = asyncio.get_running_loop(), ServerState()
        server = await loop.create_server(lambda: Protocol(config, state, {}, loop), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        sent = (b"", b"GET / HTTP/1.1\r\nhost: x\r\n", ask("/"))
        found = await asyncio.gather(*(ends(port, each) for each in sent))
        server.close()
        return list(found)

    silent, unfinished, answered = asyncio.run(all_of_them())
    assert silent[0] == unfinished[0] == b""
    assert 0.2 < silent[1] < 15
    assert 0.2 < unfinished[1] < 15
    assert answered[0].endswith(b"ok")
    assert 1.0 < answered[1] < 15
