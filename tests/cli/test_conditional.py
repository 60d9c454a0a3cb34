"""From labelled data to pictures of one class, on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Generator

from ..conftest import bar_of
from .conftest import Dropgan

LEARN = [
    "--recipe=mlp", "--steps=400", "--device=cpu", "--precision=fp32", "--threads=1",
    "--set", "training.batch_size=48", "--set", "generator.latent_dim=8", "--set", "generator.hidden=[48,48]",
    "--set", "discriminator.hidden=[48,48]", "--set", "training.ema_decay=0.95",
]  # fmt: skip


def test_from_labels_to_pictures_of_a_class(dropgan: Dropgan, tmp_path: Path, bars_file: Path) -> None:
    """The user's whole way: train with classes, export in bytes, look, and ask for a class by name."""
    run, model = tmp_path / "run", tmp_path / "model.onnx"
    trained = dropgan("train", "--conditional", "--data", bars_file, "-o", run, *LEARN)
    assert trained.code == 0, trained.err
    assert "class-conditional" in trained.err
    exported = dropgan("export", run, "-o", model, "--precision", "int8")
    assert exported.code == 0, exported.err
    seen = dropgan("inspect", model)
    assert seen.code == 0, seen.err
    assert "3 to choose from: left, middle, right; stream philox4x64-multiplyhigh-v1" in seen.out
    assert json.loads(dropgan("inspect", model, "--json").out)["card"]["labels"]["classes"] == 3

    for labels, expected in (("middle", [1] * 50), ("2,0", [2, 0] * 25), ("balanced", [*range(3)] * 17)):
        made = dropgan("sample", model, "-o", tmp_path / "some.npy", "-n", 50, "--labels", labels)
        assert made.code == 0, made.err
        assert (bar_of(np.load(tmp_path / "some.npy")) == expected[:50]).mean() > 0.9
    plain = dropgan("sample", model, "-o", tmp_path / "plain.npy", "-n", 50, "--seed", 4)
    assert plain.code == 0, plain.err
    assert np.array_equal(np.load(tmp_path / "plain.npy"), Generator(model).sample(50, seed=4))

    wrong = dropgan("sample", model, "-o", tmp_path / "wrong.npy", "--labels", "top")
    assert wrong.code == 1
    assert "no class 'top': use 0 to 2, or left, middle, right" in wrong.err
    assert not (tmp_path / "wrong.npy").exists()


@pytest.mark.parametrize("command", ["train", "run"])
def test_data_without_labels(dropgan: Dropgan, tmp_path: Path, image_file: Path, command: str) -> None:
    """One line that says what is missing and what to do, and no half run left behind."""
    answer = dropgan(command, "--conditional", "--data", image_file, "-o", tmp_path / "run", *LEARN)
    assert answer.code == 1
    assert "has no labels" in answer.err
    assert "without --conditional" in answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / "run").exists()


def test_labels_for_a_model_without_classes(dropgan: Dropgan, tmp_path: Path, model_file: Path) -> None:
    """Ignored labels would give pictures of any class as those of the one asked for."""
    answer = dropgan("sample", model_file, "-o", tmp_path / "some.npy", "--labels", "0")
    assert answer.code == 1
    assert "not class-conditional" in answer.err


def test_run_with_classes(dropgan: Dropgan, tmp_path: Path) -> None:
    """Everything at once: scores while training, the evaluation and its report know the labels."""
    short = [*LEARN, "--steps=15", "-n", 20, "--score-samples", 200]
    answer = dropgan("run", "--conditional", "-o", tmp_path / "all", *short)
    assert answer.code == 0, answer.err
    assert "frechet_distance_domain" in answer.out
    names = {score["name"] for score in json.loads((tmp_path / "all" / "scores.json").read_text())}
    assert "class_agreement_domain" in names
