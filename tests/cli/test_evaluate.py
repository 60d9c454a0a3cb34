"""dropgan evaluate, as a user calls it."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from .conftest import Dropgan


def test_a_run_is_evaluated_with_its_own_data(fashion_run: Path, dropgan: Dropgan, tmp_path: Path) -> None:
    """Without --data a run is compared with what it was trained on; JSON and report in one go."""
    report = tmp_path / "report.html"
    answer = dropgan("evaluate", fashion_run, "-n", 100, "--json", "--quiet", "--report", report)
    read = json.loads(answer.out)
    assert answer.code == 0
    assert read["scores"][0]["reference"] == "1,000 of clothes"
    assert read["scores"][0]["split"] == "training"
    assert read["sensitivity"]["ratio"] >= 1
    assert read["left_out"].keys() == {"held-out images", "overfitting"}
    assert report.read_text("utf-8").startswith("<!doctype html>")


def test_a_run_whose_file_is_of_another_checkpoint_is_exported_anew(
    fashion_run: Path,
    model_file: Path,
    dropgan: Dropgan,
    tmp_path: Path,
) -> None:
    """A stale model.onnx in the run directory must not be scored in the run's name."""
    import shutil

    run = tmp_path / "run"
    shutil.copytree(fashion_run, run)
    shutil.copy(model_file, run / "model.onnx")  # of another run
    before = (run / "model.onnx").read_bytes()
    answer = dropgan("evaluate", run, "-n", 50, "--json")
    assert answer.code == 0
    assert "exporting" in answer.err
    assert json.loads(answer.out)["card"]["training"]["steps"] == 60
    assert (run / "model.onnx").read_bytes() == before


def test_features_of_one_s_own_from_fit_to_score(fashion_run: Path, dropgan: Dropgan, tmp_path: Path) -> None:
    """The whole way for unlabelled data: train features by rotation, then score in them by their name."""
    images = np.load(fashion_run.parent / "clothes.npz")["images"]
    np.save(tmp_path / "plain.npy", images)
    features = tmp_path / "turned.safetensors"
    fit = ("evaluate", "--fit-features", features, "--data", tmp_path / "plain.npy", "--task", "rotation")
    assert "accuracy" in dropgan(*fit, "--epochs", 1).out
    answer = dropgan("evaluate", fashion_run, "-n", 50, "--features", features, "--json")
    names = {score["name"] for score in json.loads(answer.out)["scores"]}
    assert "frechet_distance_turned" in names
    assert "inception_score_turned" not in names  # its classes are quarter turns


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["evaluate"], 2, "MODEL_OR_RUN|model file"),
        (["evaluate", "RUN", "--features", "nowhere"], 1, "there is no file of features"),
        (["evaluate", "RUN", "--held-out", "nowhere"], 1, "there is no data nowhere"),
        (["evaluate", "RUN", "-n", "3"], 2, "10"),
        (["evaluate", "/"], 1, "is not a run"),
        (["evaluate", "RUN", "--held-out", "DATA"], 1, "choose other images to hold out"),
        (["evaluate", "--fit-features", "x"], 2, "--data"),
    ],
)
def test_wrong_use_is_one_clear_line(
    fashion_run: Path,
    dropgan: Dropgan,
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    """No traceback, the right exit status, and what to do."""
    import re

    places = {"RUN": str(fashion_run), "DATA": str(fashion_run.parent / "clothes.npz")}
    answer = dropgan(*(places.get(word, word) for word in arguments))
    assert answer.code == status
    assert re.search(message, answer.err)
    assert "Traceback" not in answer.err


def test_inspect_shows_the_certificate(model_file: Path, dropgan: Dropgan, tmp_path: Path) -> None:
    """Who receives a file must see how surely its samples are no copies, and of what."""
    from dropgan.evaluate import certificate
    from dropgan.evaluate.copies import CopyTest
    from dropgan.export import add_scores

    file = tmp_path / "model.onnx"
    file.write_bytes(model_file.read_bytes())
    test = CopyTest("pixels", 1000, 200, 190, 0.0, 0.0, 0.0157, 1.0, 0.04)
    add_scores(file, certificate([test], "blobs", seed=1))
    answer = dropgan("inspect", file)
    assert answer.code == 0
    assert "copies" in answer.out
    said = " ".join(answer.out.split())
    assert "at most 1.6% of the samples repeat one (95 % confidence" in said
    assert "1,000 samples against 200 of blobs, in pixels)" in said
    assert '"copies_at_most"' in dropgan("inspect", file, "--json").out


def test_features_for_other_images_are_refused_before_data_is_read(
    conditional_model: Path, dropgan: Dropgan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million pictures were read, and then the shape refused that the file had told from the start."""
    from dropgan.evaluate import evaluate

    def read(*_: object) -> None:
        raise AssertionError("data are read")

    monkeypatch.setattr(sys.modules[evaluate.__module__], "real_data", read)
    report = tmp_path / "report.html"
    answer = dropgan("evaluate", conditional_model, "--features", "domain", "--report", report)
    assert answer.code == 1
    assert "for images of shape [28, 28, 1], not [8, 8, 1]" in answer.err
    assert not report.exists()
