"""Data of one's own from the command line to a scored file."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Dropgan

SHORT = ("--steps", 6, "--set", "training.batch_size=8", "--recipe", "seed", "--threads", 1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """120 colour pictures of several sizes in two classes, one of them broken."""
    random = np.random.default_rng(0)
    for number in range(120):
        height, width = random.integers(20, 60, 2)
        folder = tmp_path / "photos" / ("left", "right")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((int(width), int(height))).save(folder / f"{number}.png")
    (tmp_path / "photos" / "left" / "0.png").write_bytes(b"not a picture")
    return tmp_path / "photos"


def test_from_photographs_to_a_score(dropgan: Dropgan, photos: Path, tmp_path: Path) -> None:
    """Photographs of any size train a model of the size asked for; a run remembers how it read them."""
    run = tmp_path / "run"
    answer = dropgan("train", "--data", photos, "--size", 28, "--grey", "-o", run, *SHORT)
    assert answer.code == 0, answer.err
    assert "reading images 120/120" in answer.err
    assert "1 of 120 images cannot be read: left/0.png" in answer.err
    answer = dropgan("train", "--resume", "-o", run, "--steps", 8)
    assert answer.code == 0, answer.err
    assert "reading images" not in answer.err
    answer = dropgan("evaluate", run, "-n", 100, "--json")
    assert answer.code == 0, answer.err
    assert dropgan("export", run, "-o", tmp_path / "model.onnx", "--no-score").code == 0
    shutil.rmtree(photos / "left")  # other pictures, which take the shape of the model
    answer = dropgan("evaluate", tmp_path / "model.onnx", "--data", photos, "-n", 50, "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["scores"]
    answer = dropgan("train", "--resume", "-o", run, "--steps", 9)
    assert answer.code == 2
    assert "has changed" in answer.err


def test_what_stops_before_training(dropgan: Dropgan, photos: Path, tmp_path: Path) -> None:
    """Each mistake ends with one line that says what to do, before anything is written."""
    run = tmp_path / "run"
    for arguments, code, message in (
        ((), 1, "--size S"),
        (("--size", 28, "--strict"), 1, "left/0.png cannot be read"),
        (("--size", 3), 2, "4<=x<=512"),
        (("--size", 28, "--label-column", "kind"), 1, "no columns"),
        (("--resume", "--size", 28), 1, "is not a run"),
    ):
        answer = dropgan("train", "--data", photos, "-o", run, *arguments)
        assert answer.code == code, answer.err
        assert message in " ".join(answer.err.replace("│", " ").split())
        assert "Traceback" not in answer.err
    assert not run.exists()


def test_run_in_colour(dropgan: Dropgan, photos: Path, tmp_path: Path) -> None:
    """`dropgan run` on colour pictures; asked again with another size it names the difference."""
    answer = dropgan("run", "--data", photos, "--size", 12, "-o", tmp_path / "all", "-n", 4, *SHORT)
    assert answer.code == 0, answer.err
    assert answer.err.count("cannot be read") == 1
    assert Image.open(tmp_path / "all" / "samples.png").mode == "RGB"
    assert "score      frechet_distance_random" in answer.out
    assert "features   a fixed network of random weights" in answer.out
    assert "verdict    " in answer.out
    assert (tmp_path / "all" / "report.html").exists()
    answer = dropgan("run", "--data", photos, "--size", 16, "-o", tmp_path / "all", *SHORT)
    assert answer.code == 1
    assert "data size was 12, now 16" in answer.err
