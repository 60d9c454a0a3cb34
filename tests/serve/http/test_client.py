"""The client gives what `Generator` gives, byte for byte."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import httpx
import numpy as np
import pytest

from dropgan.serve import Client, Generator, InputError
from dropgan.serve.client import ServiceError

from ...cli.conftest import Dropgan, dropgan
from .conftest import free_port, service

__all__ = ["dropgan"]  # a fixture


def test_the_same_samples(address: str, model_file: Path) -> None:
    """A program that changes from a file to a service must not see another picture."""
    near, far = Generator(model_file, device="cpu"), Client(f"{address}/blobs")
    assert far.card == near.card
    assert far.sample_shape == near.sample_shape
    for options in (
        {},
        {"seed": "ada", "start": 12},
        {"seed": 2**64 - 1, "truncation": 0.7},
        {"truncation": 1e-5},
        {"truncation": 1 / 3},
    ):
        assert np.array_equal(far.sample(30, **options), near.sample(30, **options))
    long = list(far.stream(5000, seed=3))
    assert [len(batch) for batch in long] == [4096, 904]
    assert np.array_equal(np.concatenate(long), near.sample(5000, seed=3))
    each = {"seeds": ["ada", 4], "indices": [9, 0], "truncation": [0.5, 1 / 3]}
    assert np.array_equal(far.sample_each(**each), near.sample_each(**each))
    latents = near.latents(5, seed=1)
    assert np.array_equal(far.latents(5, seed=1), latents)
    assert np.array_equal(far(latents), near(latents))
    assert far.sample(0).shape == near.sample(0).shape


def test_the_same_classes(address: str, conditional_model: Path) -> None:
    """By name, by number, one for each, drawn in any of the ways."""
    near, far = Generator(conditional_model, device="cpu"), Client(f"{address}/bars")
    for labels in (None, "left", 2, ["left", "right", "middle"] * 4, "balanced", "uniform"):
        for factor in (1.0, 0.5, 1 / 3):  # an address has no room for the last
            options = {"seed": "ada", "labels": labels, "truncation": factor}
            assert np.array_equal(far.sample(12, **options), near.sample(12, **options))
        if isinstance(labels, str | None):
            assert np.array_equal(far.labels(12, seed=4), near.labels(12, seed=4))
            each = {"seeds": ["ada", 4, 5], "indices": [0, 8, 1], "labels": labels}
            assert np.array_equal(far.sample_each(**each), near.sample_each(**each))
            assert np.array_equal(far.labels_each(**each), near.labels_each(**each))
    assert (far.class_names, far.class_numbers) == (near.class_names, near.class_numbers)
    with pytest.raises(InputError, match="no class"):
        far.sample(1, labels="upper")


def test_vectors(address: str, vector_model: Path) -> None:
    """Rows come in their own units."""
    near, far = Generator(vector_model, device="cpu"), Client(f"{address}/rows")
    assert np.array_equal(far.sample(20, seed=9), near.sample(20, seed=9))


def test_what_is_wrong_is_said(address: str) -> None:
    """One line each, of the errors that `Generator` raises too."""
    with pytest.raises(InputError, match="name a model"):
        Client(address)
    with pytest.raises(InputError, match="no model"):
        Client(f"{address}/nothing")
    with pytest.raises(InputError, match="http://host"):
        Client("blobs")
    with pytest.raises(ServiceError, match="no answer"):
        Client(f"http://127.0.0.1:{free_port()}/blobs", timeout=5)
    client = Client(f"{address}/blobs")
    for wrong in ({"count": -1}, {"count": 1, "start": 2**60}, {"count": 1, "truncation": 2}):
        with pytest.raises(InputError):
            client.sample(**wrong)


def test_a_key(dropgan: Dropgan, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a service with one model the address alone will do, with its key: a command takes that from the
    environment, since every user of the machine can read a command line."""
    with service(model_file, "--quiet", key="sesame") as (url, _):
        assert Client(url, key="sesame").sample(2).shape == (2, 28, 28, 1)
        with pytest.raises(ServiceError, match="key"):
            Client(url)
        assert dropgan("sample", url, "-n", 2, "-o", tmp_path / "s.npy").code == 1
        monkeypatch.setenv("DROPGAN_API_KEY", "sesame")
        assert dropgan("sample", url, "-n", 2, "-o", tmp_path / "s.npy").code == 0


class _Stub(http.server.BaseHTTPRequestHandler):
    """Answers what the test put into `answers`, one after another."""

    answers: ClassVar[list[tuple[int, bytes, dict[str, str]]]] = []

    def do_GET(self) -> None:
        status, body, headers = self.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def stub() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Stub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_busy_service_is_asked_again(stub: str, address: str) -> None:
    """A night's job must not end because a service was busy for a second; nor wait for ever."""
    card = httpx.get(f"{address}/blobs").content
    busy = (503, b'{"error": "the queue is full"}', {"retry-after": "0"})
    _Stub.answers = [busy, busy, (200, card, {"content-length": str(len(card))})]
    assert Client(f"{stub}/blobs").sample_shape == (28, 28, 1)
    _Stub.answers = [(503, b"{}", {"retry-after": "3"})]
    with pytest.raises(ServiceError):
        Client(f"{stub}/blobs", timeout=1)


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"<html>", {}), (b"[]", {}), (b'{"digest": "x"}', {}), (b"{", {"content-length": "99"})],
)
def test_what_is_no_service(stub: str, body: bytes, headers: dict[str, str]) -> None:
    """Another page at that address, or an answer that breaks off, is one line."""
    for path in ("", "/blobs"):
        _Stub.answers = [(200, body, headers)]
        with pytest.raises(ServiceError):
            Client(stub + path, timeout=5)
