"""``dropgan sample`` from a service, and with a word for a seed."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Client, Generator, OutputError
from dropgan.serve.batch import generate

from ...cli.conftest import Dropgan, dropgan
from .conftest import free_port

__all__ = ["dropgan"]  # a fixture


def files(folder: Path) -> dict[str, str]:
    """Every file of a job but those that say how it was made, by digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize("out", ["s.npy", "s.png", "png", "tar", "parquet"])
@pytest.mark.parametrize("name", ["bars", "blobs"])
def test_a_service_in_place_of_the_file(
    dropgan: Dropgan,
    address: str,
    model_file: Path,
    conditional_model: Path,
    tmp_path: Path,
    name: str,
    out: str,
) -> None:
    """Samples, shards, manifest and job.json are the same bytes, so a job may change between the two."""
    file = {"blobs": model_file, "bars": conditional_model}[name]
    for source, place in ((file, "near"), (f"{address}/{name}", "far")):
        target = tmp_path / place / out
        target.parent.mkdir()
        form = () if target.suffix else ("--format", out, "--shard-size", 16)
        answer = dropgan("sample", source, "-n", 40, "--seed", "ada", "--start", 3, "-o", target, *form)
        assert answer.code == 0, answer.err
        assert "stands for 18297636060252690398" in answer.err
    assert files(tmp_path / "near") == files(tmp_path / "far")


def test_labels_and_truncation(address: str, conditional_model: Path, tmp_path: Path) -> None:
    """Classes in turn have no address; they are the same all the same."""
    far = Client(f"{address}/bars")
    for place, model in (("near", conditional_model), ("far", far)):
        options = {"labels": "left,right", "truncation": 0.7, "format": "npy", "shard_size": 20}
        generate(model, tmp_path / place, 50, seed="ada", **options)
    assert files(tmp_path / "near") == files(tmp_path / "far")


def test_a_job_goes_on_with_the_word_or_its_number(
    dropgan: Dropgan, model_file: Path, address: str, tmp_path: Path
) -> None:
    """job.json has the number: word and number, file and service are one job; another word is not."""
    job = ["-n", 40, "--shard-size", 16, "--format", "npy", "-o", tmp_path / "job"]
    assert dropgan("sample", model_file, *job, "--part", "1/3", "--seed", "ada").code == 0
    number = json.loads((tmp_path / "job" / "job.json").read_text())["seed"]
    assert number == int.from_bytes(hashlib.sha256(b"ada").digest()[:8], "big")
    assert dropgan("sample", model_file, *job, "--part", "2/3", "--seed", number).code == 0
    answer = dropgan("sample", f"{address}/blobs", *job, "--seed", "ada", "--json")
    assert (answer.code, json.loads(answer.out)["made"]) == (0, 1)
    wrong = dropgan("sample", model_file, *job, "--seed", "Ada")
    assert (wrong.code, "seed is" in wrong.err) == (1, True)
    with pytest.raises(OutputError, match="seed is"):
        generate(model_file, tmp_path / "job", 40, seed=0, shard_size=16)


@pytest.mark.parametrize("word", ["ada", "-1", "1.5", "18446744073709551616", "9" * 5000, "Grüße"])
def test_any_word(dropgan: Dropgan, model_file: Path, tmp_path: Path, word: str) -> None:
    """As at an address: what is no number below 2^64 is a word, and that is said."""
    answer = dropgan("sample", model_file, "-n", 2, f"--seed={word}", "-o", tmp_path / "s.npy", "--json")
    number = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    assert (answer.code, json.loads(answer.out)["seed"]) == (0, number)
    assert str(number) in answer.err
    samples = np.load(tmp_path / "s.npy")
    assert np.array_equal(samples, Generator(model_file, device="cpu").sample(2, seed=word))


def test_what_is_wrong_is_one_line(dropgan: Dropgan, address: str, tmp_path: Path) -> None:
    """Options that a service has no use for are refused, and what does not answer is said."""
    base = ["-n", 40, "-o", tmp_path / "out"]
    for option in ("--workers=2", "--device=cpu", "--ray=auto", "--batch-size=3", "--threads=1"):
        answer = dropgan("sample", f"{address}/blobs", *base, option)
        assert (answer.code, "service" in answer.err) == (2, True)
    assert not (tmp_path / "out").exists()
    for model, said in (
        (f"{address}/nothing", "no model"),
        (address, "name a model"),
        (f"http://127.0.0.1:{free_port()}/x", "no answer"),
        ("http://", "is like http"),
        ("--seed=", "empty text"),
    ):
        answer = dropgan("sample", model, *base, *(["x"] if model.startswith("--") else []))
        assert answer.code in (1, 2)
        assert said in answer.err
        assert "Traceback" not in answer.err
