"""The Open Inference Protocol, with Triton's own client."""

import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from dropgan.serve import Generator

triton = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")


@pytest.fixture
def server(address: str):  # type: ignore[no-untyped-def]
    with triton.InferenceServerClient(address.removeprefix("http://")) as opened:
        yield opened


def tensor(name: str, array: np.ndarray, *, binary: bool):  # type: ignore[no-untyped-def]
    kinds = {"u8": "UINT64", "i8": "INT64", "f4": "FP32", "O8": "BYTES"}
    made = triton.InferInput(name, list(array.shape), kinds[f"{array.dtype.kind}{array.dtype.itemsize}"])
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def test_health_and_metadata(server) -> None:  # type: ignore[no-untyped-def]
    """A client that asks first gets true answers."""
    assert server.is_server_live()
    assert server.is_server_ready()
    assert server.is_model_ready("blobs")
    assert not server.is_model_ready("nothing")
    found = server.get_model_metadata("bars")
    assert {tensor["name"] for tensor in found["inputs"]} == {"seed", "index", "latents", "labels"}
    assert found["outputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 8, 8, 1]}]


@pytest.mark.parametrize("binary", [True, False])
def test_by_seed_and_index(server, model_file: Path, binary: bool) -> None:  # type: ignore[no-untyped-def]
    """Seed and index are inputs, so a cache in front of the server keeps the very sample."""
    generator = Generator(model_file, device="cpu")
    inputs = [
        tensor("seed", np.array([b"ada"], dtype=object), binary=binary),
        tensor("index", np.array([3, 900], dtype=np.uint64), binary=binary),
    ]
    wanted = [triton.InferRequestedOutput("images", binary_data=binary)]
    images = server.infer("blobs", inputs, outputs=wanted).as_numpy("images")
    expected = [generator.sample(1, seed="ada", start=index)[0] for index in (3, 900)]
    assert np.array_equal(images, np.stack(expected))


def test_by_latents_and_labels(server, conditional_model: Path) -> None:  # type: ignore[no-untyped-def]
    """Latents of one's own go through as they are."""
    generator = Generator(conditional_model, device="cpu")
    latents, labels = generator.latents(3, seed=1), np.array([0, 2, 1])
    inputs = [tensor("latents", latents, binary=True), tensor("labels", labels, binary=True)]
    assert np.array_equal(server.infer("bars", inputs).as_numpy("images"), generator(latents, labels))


def test_malformed_bodies(client: httpx.Client) -> None:
    """A thousand bodies that are no requests: each is refused, none is the server's fault."""
    random = np.random.default_rng(0)
    good = (
        b'{"inputs":[{"name":"index","shape":[2],"datatype":"UINT64","parameters":{"binary_data_size":16}}]}'
    )
    meant, refused = json.loads(good), 0
    while refused < 1000:
        body = bytearray(good + bytes(16))
        for _ in range(1 + refused % 5):
            body[random.integers(len(body))] = random.integers(256)
        if refused % 3 == 0:
            body = body[: random.integers(len(body))]
        length = len(good) if refused % 7 else int(random.integers(200))
        try:
            malformed = json.loads(body[:length]) != meant or len(body) != length + 16
        except ValueError:
            malformed = True
        answer = client.post(
            "/v2/models/blobs/infer",
            content=bytes(body),
            headers={"inference-header-content-length": str(length)},
        )
        if malformed:
            assert 400 <= answer.status_code < 500, (body, answer.text)
            assert answer.json()["error"]
            refused += 1
        else:  # other indices
            assert answer.status_code == (200 if max(body[-9], body[-1]) < 16 else 422), (body, answer.text)
