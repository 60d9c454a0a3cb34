"""The service as a client sees it: the same samples as everywhere, errors that say what to do."""

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dropgan.serve import Generator
from dropgan.serve.batch import generate

from .conftest import service


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pixels(body: bytes) -> np.ndarray:
    image = np.asarray(Image.open(io.BytesIO(body)))
    return image[:, :, None] if image.ndim == 2 else image


def test_a_picture_is_the_sample(client: httpx.Client, model_file: Path) -> None:
    """An address that drew another picture than `Generator` would make every program's pictures differ."""
    expected = Generator(model_file, device="cpu").sample(1, seed="ada", start=7)[0]
    base = f"/{digest(model_file)}/ada/7"
    assert np.array_equal(pixels(client.get(f"{base}.png").content), expected)
    assert np.array_equal(np.load(io.BytesIO(client.get(f"{base}.npy").content)), expected)
    told = client.get(f"{base}.json").json()
    assert np.array_equal(np.array(told["image"]), expected)
    assert told["index"] == "7"
    web = client.get(f"{base}.webp")
    assert web.headers["content-type"] == "image/webp"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(web.content)).convert("L"))[:, :, None], expected)
    large = pixels(client.get(f"{base}.png?scale=3").content)
    assert np.array_equal(large, expected.repeat(3, axis=0).repeat(3, axis=1))


def test_a_picture_is_the_shard_s(client: httpx.Client, tmp_path: Path, model_file: Path) -> None:
    """Pictures of a batch job and of the service are the same bytes, ranges the same files."""
    generate(model_file, tmp_path / "shards", 20, seed=5, format="png", workers=1, threads=1)
    inside = next((tmp_path / "shards").rglob("000000000011.png"))
    base = f"/{digest(model_file)}/5"
    assert client.get(f"{base}/11.png").content == inside.read_bytes()
    for suffix in ("tar", "parquet"):
        out = tmp_path / suffix
        generate(model_file, out, 20, seed=5, format=suffix, workers=1, threads=1)
        (file,) = out.glob(f"*.{suffix}")
        body = client.get(f"{base}/0-19.{suffix}").content
        if suffix == "tar":
            assert body == file.read_bytes()
        else:
            assert pq.read_table(io.BytesIO(body)).equals(pq.read_table(file))


def test_ranges(client: httpx.Client, model_file: Path) -> None:
    """Both ends are included, in every form."""
    expected = Generator(model_file, device="cpu").sample(30, seed=2, start=5)
    base = f"/{digest(model_file)}/2/5-34"
    assert np.array_equal(np.load(io.BytesIO(client.get(f"{base}.npy").content)), expected)
    with tarfile.open(fileobj=io.BytesIO(client.get(f"{base}.tar").content)) as archive:
        names = [name for name in archive.getnames() if name.endswith(".png")]
        assert len(names) == 30
        assert names[0].lstrip("0") == "5.png"
    table = pq.read_table(io.BytesIO(client.get(f"{base}.parquet").content))
    assert table.column("index").to_pylist() == list(range(5, 35))
    grid = pixels(client.get(f"{base}.png").content)
    assert np.array_equal(grid[1:29, 1:29], expected[0])


def test_labels(client: httpx.Client, conditional_model: Path) -> None:
    """A class by name or number, and the label stream's where none is chosen."""
    generator = Generator(conditional_model, device="cpu")
    base = f"/{digest(conditional_model)}/3"
    for label in ("middle", "1"):
        body = client.get(f"{base}/4.npy?label={label}").content
        assert np.array_equal(
            np.load(io.BytesIO(body)), generator.sample(1, seed=3, start=4, labels="middle")[0]
        )
    drawn = client.get(f"{base}/4.json").json()
    assert drawn["label"] == int(generator.labels(1, seed=3, start=4)[0])
    assert np.array_equal(np.array(drawn["image"]), generator.sample(1, seed=3, start=4)[0])
    ranged = client.get(f"{base}/4-9.tar?label=right").content
    with tarfile.open(fileobj=io.BytesIO(ranged)) as archive:
        about = json.load(archive.extractfile("000000000004.json"))
    assert about == {"index": 4, "label": 2, "label_name": "right", "seed": 3}
    wrong = client.get(f"{base}/4.png?label=upper")
    assert wrong.status_code == 422
    assert "left" in wrong.json()["error"]


def test_vectors(client: httpx.Client, vector_model: Path) -> None:
    """Rows of numbers come as JSON, arrays and tables, and say that they are no pictures."""
    generator = Generator(vector_model, device="cpu")
    base = f"/{digest(vector_model)}/3"
    row = client.get(f"{base}/9.json").json()["vector"]
    assert list(row) == list(generator.card.data.columns)
    assert np.allclose(list(row.values()), generator.sample(1, seed=3, start=9)[0])
    assert client.get(f"{base}/0-4.csv").text.count("\n") == 6
    refused = client.get(f"{base}/9.png")
    assert refused.status_code == 422
    assert "vectors" in refused.json()["error"]


def test_truncation(client: httpx.Client, model_file: Path) -> None:
    """The same as `sample --truncation`."""
    expected = Generator(model_file, device="cpu").sample(1, seed=1, start=3, truncation=0.5)[0]
    body = client.get(f"/{digest(model_file)}/1/3.npy?truncation=0.5").content
    assert np.array_equal(np.load(io.BytesIO(body)), expected)


def test_caching(client: httpx.Client, model_file: Path) -> None:
    """A cache may keep a digest's address for ever, and asks once for a picture that it has."""
    path = f"/{digest(model_file)}/1/3.png"
    first = client.get(path)
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    tag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-z.]+"', tag)
    again = client.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    others = {client.get(f"{path}{query}").headers["etag"] for query in ("", "?scale=2", "?truncation=0.5")}
    assert len(others) == 3
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == first.headers["content-length"]


def test_names_redirect_to_the_digest(client: httpx.Client, model_file: Path) -> None:
    """A new model under an old name must not draw another picture at an address that somebody kept."""
    whole = digest(model_file)
    for short in ("blobs", whole[:12], whole[:40]):
        moved = client.get(f"/{short}/a%20b/3.png?scale=2")
        assert moved.status_code == 307
        assert moved.headers["location"] == f"/{whole}/a%20b/3.png?scale=2"
        assert "immutable" not in moved.headers["cache-control"]
    assert client.get("/blobs/1/3.png?truncation=2").status_code == 422  # rather than one step later
    for wrong in (whole[:11], "0" * 12, "nothing"):
        assert client.get(f"/{wrong}/1/3.png").status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("1/0.gif", 404),
        ("1/0.png?x=1", 422),
        ("1/5-2.png", 422),
        ("%FF/0.png", 422),
        ("1/0-4096.png", 413),
        ("1/0-100000.npy", 413),
        ("1/0-99.png?scale=32", 413),
    ],
)
def test_errors_are_one_line(client: httpx.Client, model_file: Path, path: str, status: int) -> None:
    """What is wrong and what to do, never cached, never a path of the machine."""
    answer = client.get(f"/{digest(model_file)}/{path}")
    assert answer.status_code == status
    text = answer.json()["error"]
    assert "\n" not in text
    assert str(Path.cwd()) not in text
    assert answer.headers["cache-control"] == "no-store"


def test_samples_of_one_s_own_latents(
    client: httpx.Client, model_file: Path, conditional_model: Path
) -> None:
    """An interpolation is made by the caller and drawn by the service."""
    generator = Generator(model_file, device="cpu")
    latents = generator.latents(3, seed=4)
    answer = client.post("/blobs/samples?format=npy", json={"latents": latents.tolist()})
    assert np.array_equal(np.load(io.BytesIO(answer.content)), generator(latents))
    bars = Generator(conditional_model, device="cpu")
    answer = client.post("/bars/samples", json={"labels": ["left", "right"], "seed": "ada", "start": 5})
    expected = bars.sample(2, seed="ada", start=5, labels=["left", "right"])
    assert np.array_equal(np.array(answer.json()["samples"]), expected)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"latents": []},
        {"latents": [[1.0]]},
        {"latents": [["x"]]},
        {"latents": [[1e300] * 100]},
        {"labels": [0]},
        {"latents": [[0.0] * 100], "other": 1},
        {"latents": [[0.0] * 100], "start": -1},
        [],
    ],
)
def test_wrong_posts(client: httpx.Client, body: object) -> None:
    """None reaches the model."""
    assert client.post("/blobs/samples", json=body).status_code == 422


def test_a_post_that_is_no_text(client: httpx.Client) -> None:
    """Bytes that are no UTF-8 are refused as any other wrong body, in one line of JSON."""
    headers = {"content-type": "application/json"}
    answer = client.post("/blobs/samples", content=b"x\x9c+K\xd8%", headers=headers)
    assert (answer.status_code, list(answer.json())) == (422, ["error"])


def test_a_body_is_bounded(client: httpx.Client) -> None:
    """A gigabyte of JSON must not be read to its end."""

    def endless():  # type: ignore[no-untyped-def]
        for _ in range(64):
            yield b"x" * 2**20

    try:
        answer = client.post(
            "/blobs/samples", content=endless(), headers={"content-type": "application/json"}
        )
    except httpx.TransportError:
        return  # cut off while it was still sending
    assert answer.status_code == 413


def test_pages_for_people_and_machines(client: httpx.Client, model_file: Path) -> None:
    """Health, models, cards and counters say what they are for."""
    assert client.get("/healthz").json() == {"status": "ok"}
    assert sorted(client.get("/readyz").json()["models"]) == ["bars", "blobs", "rows"]
    listed = {model["name"]: model for model in client.get("/models").json()}
    assert listed["blobs"]["digest"] == digest(model_file)
    card = client.get("/blobs").json()
    assert card["card"]["export"]["parity"]["samples"] == 10_000
    assert b"dropgan_requests_total" in client.get("/metrics").content
    paths = client.get("/openapi.json").json()["paths"]
    assert "/{model}/{seed}/{sample}" in paths


def test_a_key(model_file: Path) -> None:
    """With a key set, nothing but health answers without it."""
    with service(model_file, "--quiet", key="open sesame") as (url, _), httpx.Client(base_url=url) as client:
        path = f"/{digest(model_file)}/1/0.png"
        assert client.get("/healthz").status_code == 200
        for wrong in (None, "Bearer open", "Basic open sesame", "open sesame"):
            headers = {"authorization": wrong} if wrong else {}
            for closed in (path, "/", "/models", "/metrics", "/openapi.json", "/v2"):
                assert client.get(closed, headers=headers).status_code == 401
        assert client.get(path, headers={"authorization": "Bearer open sesame"}).status_code == 200


def test_log_and_end(model_file: Path) -> None:
    """Each request is one line of JSON, and SIGTERM ends the service with what it began finished."""
    with service(model_file) as (url, process):
        path = f"/{digest(model_file)}/1/0.png"
        httpx.get(url + path)
        with httpx.stream("GET", f"{url}/{digest(model_file)}/1/0-9999.npy") as begun:
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            body = b"".join(begun.iter_bytes())
        assert len(np.load(io.BytesIO(body))) == 10_000
        _, log = process.communicate(timeout=300)
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["path"] == path]
    assert (line["status"], line["method"]) == (200, "GET")


def test_workers(model_file: Path) -> None:
    """A worker that dies is replaced, and the service goes on."""
    with service(model_file, "--quiet", "--workers", 2) as (url, process):
        command = ["ps", "-o", "pid=", "--ppid", str(process.pid)]
        children = [int(pid) for pid in subprocess.check_output(command, text=True).split()]
        assert len(children) >= 2
        os.kill(children[-1], signal.SIGKILL)
        path = f"{url}/{digest(model_file)}/1/0.png"
        end, good = time.monotonic() + 60, 0
        while good < 20:
            assert time.monotonic() < end
            try:
                good = good + 1 if httpx.get(path, timeout=10).status_code == 200 else 0
            except httpx.TransportError:
                good = 0
                time.sleep(0.1)
