"""A service of its own process, as users run it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytest.importorskip("uvicorn", reason="the extra [server] is not installed")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def service(*arguments: object, key: str | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``dropgan serve`` on a free port: its address and process."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "DROPGAN_API_KEY"}
    if key is not None:
        environment["DROPGAN_API_KEY"] = key
    command = [sys.executable, "-P", "-m", "dropgan.cli", "serve", *map(str, arguments), "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 240
        while True:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            try:
                httpx.get(f"{url}/healthz", timeout=5)
                break
            except httpx.TransportError:
                assert time.monotonic() < end, "the service did not begin to answer"
                time.sleep(0.1)
        yield url, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        process.communicate()


@pytest.fixture(scope="package")
def address(
    tmp_path_factory: pytest.TempPathFactory, model_file: Path, conditional_model: Path, vector_model: Path
) -> Iterator[str]:
    """Where a service of three models is: ``blobs``, ``bars`` (with classes) and ``rows`` (vectors)."""
    folder = tmp_path_factory.mktemp("served")
    for name, file in (("blobs", model_file), ("bars", conditional_model), ("rows", vector_model)):
        (folder / f"{name}.onnx").write_bytes(file.read_bytes())
    with service(folder, "--quiet") as (url, _):
        yield url


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=300) as opened:
        yield opened
