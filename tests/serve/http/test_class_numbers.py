"""Over HTTP too a class is asked for by the data's own number, whatever gaps the numbers have."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest

from dropgan.serve import Generator
from dropgan.serve.client import Client

from ..test_conditional import changed_card
from .conftest import service

NUMBERS = {"gapped": (2, 5, 9), "counted": (1, 2, 3)}


@pytest.fixture(scope="module")
def models(conditional_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three bars as a model of classes 2, 5 and 9, and as one of classes 1 to 3."""
    folder = tmp_path_factory.mktemp("numbers")
    for name, numbers in NUMBERS.items():
        data = changed_card(conditional_model.read_bytes(), numbers=numbers, counts=(10, 0, 30))
        (folder / f"{name}.onnx").write_bytes(data)
    return {name: folder / f"{name}.onnx" for name in NUMBERS}


@pytest.fixture(scope="module")
def client(models: dict[str, Path]) -> Iterator[httpx.Client]:
    with (
        service(*models.values(), "--workers", 1, "--threads", 1) as (url, _),
        httpx.Client(base_url=url, timeout=60, follow_redirects=True) as http,
    ):
        yield http


@pytest.mark.parametrize("name", NUMBERS)
def test_addresses_take_the_datas_numbers(
    client: httpx.Client, models: dict[str, Path], conditional_model: Path, name: str
) -> None:
    """A place in a number's stead would be another class's picture, and cached for ever."""
    plain = Generator(conditional_model, device="cpu")
    for place, number in enumerate(NUMBERS[name]):
        right = plain.sample(1, seed=3, start=4, labels=place)[0]
        for label in (number, ("left", "middle", "right")[place]):
            answer = client.get(f"/{name}/3/4.json?label={label}").json()
            assert answer["label"] == number
            assert np.array_equal(np.array(answer["image"]), right)
        table = pq.read_table(io.BytesIO(client.get(f"/{name}/3/4-9.parquet?label={number}").content))
        assert set(table.column("label").to_pylist()) == {number}
    for wrong in {0, 1, 3, 4, 10, -1} - set(NUMBERS[name]):
        refused = client.get(f"/{name}/3/4.png?label={wrong}")
        assert refused.status_code == 422, wrong
        assert "\n" not in refused.json()["error"]


@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_drawn_is_told_by_the_datas_numbers(
    client: httpx.Client, models: dict[str, Path], name: str
) -> None:
    """Whoever trains on what the service gave needs the labels of the data."""
    generator = Generator(models[name], device="cpu")
    with tarfile.open(fileobj=io.BytesIO(client.get(f"/{name}/3/0-29.tar").content)) as archive:
        told = [
            json.loads(archive.extractfile(entry).read()) for entry in archive if entry.name.endswith("json")
        ]
    expected = generator.labels(30, seed=3)
    assert set(expected) == set(NUMBERS[name])
    assert [about["label"] for about in told] == expected.tolist()
    posted = client.post(f"/{name}/samples", json={"labels": list(NUMBERS[name]), "seed": 1}).json()
    assert np.array_equal(posted["samples"], generator.sample(3, seed=1, labels=np.array(NUMBERS[name])))
    assert client.post(f"/{name}/samples", json={"labels": [0]}).status_code == 422
    far = Client(f"{str(client.base_url).rstrip('/')}/{name}")
    for labels in ("data", "uniform", "balanced", NUMBERS[name][2]):
        assert np.array_equal(
            far.sample(12, seed=4, labels=labels), generator.sample(12, seed=4, labels=labels)
        )


@pytest.mark.parametrize("word", ["data", "uniform", "balanced"])
def test_a_way_to_draw_is_no_class(client: httpx.Client, word: str) -> None:
    """In `dropgan sample` it is one: an address says in one line what it takes in its place."""
    for address in (f"/gapped/3/4.png?label={word}", f"/gapped/3/4-9.tar?label={word}"):
        refused = client.get(address)
        assert refused.status_code == 422
        assert refused.json()["error"] == (
            f"label={word} is no class: an address has one class, or none and the model's own draw (uniform);"
            " send labels of your own by POST, a class for each sample"
        )
