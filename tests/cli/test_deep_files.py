"""Brackets in brackets in a file of anyone: one line, wherever JSON or TOML is read."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from dropgan.serve.card import METADATA_KEY
from dropgan.serve.loading import with_metadata

from .conftest import Dropgan

DEEP = '{"a":' * 5000 + "1" + "}" * 5000
HALF = '{"a":' * 500 + "1" + "}" * 500  # what this Python's parser reads, and whoever walks it does not
DEEP_TOML = "a = " + "[" * 5000 + "]" * 5000 + "\n"
DOTS = ".".join("a" * 900) + " = 1\n"

Command = list[str | Path]


@pytest.fixture
def run(tmp_path: Path, tiny_run: Path) -> Path:
    """A run to spoil."""
    shutil.copytree(tiny_run, tmp_path / "run")
    return tmp_path / "run"


def _card(folder: Path, model: Path, text: str) -> Command:
    (folder / "m.onnx").write_bytes(with_metadata(model.read_bytes(), METADATA_KEY, text))
    return ["inspect", folder / "m.onnx"]


def _recipe(folder: Path, model: Path, text: str) -> Command:
    (folder / "r.toml").write_text(text if text.startswith("a") else f"a = '''{text}'''\n{DEEP_TOML}")
    return ["train", "-o", folder / "new", "--recipe", folder / "r.toml"]


def _setting(folder: Path, model: Path, text: str) -> Command:
    return ["train", "-o", folder / "new", "--set", "generator.hidden=" + "[" * 2000 + "]" * 2000]


def _run_recipe(folder: Path, model: Path, text: str) -> Command:
    recipe = folder / "run" / "recipe.toml"
    recipe.write_text((text if text.startswith("a") else DEEP_TOML) + recipe.read_text())
    return ["export", folder / "run", "-o", folder / "x.onnx"]


def _job(folder: Path, model: Path, text: str) -> Command:
    (folder / "job").mkdir()
    (folder / "job" / "job.json").write_text(text)
    return ["sample", "--verify", folder / "job"]


def _checkpoint(folder: Path, model: Path, text: str) -> Command:
    for path in (folder / "run" / "checkpoints").glob("*.safetensors"):
        save_file({"x": torch.zeros(2)}, path, metadata={"dropgan": text})
    return ["export", folder / "run", "-o", folder / "x.onnx"]


def _features(folder: Path, model: Path, text: str) -> Command:
    save_file({"x": torch.zeros(2)}, folder / "f.safetensors", metadata={"dropgan": text})
    return ["evaluate", model, "--data", "fashion-mnist-10k", "--features", folder / "f.safetensors"]


def _site(folder: Path, model: Path, text: str) -> Command:
    (folder / "site").mkdir()
    (folder / "site" / "package.json").write_text(text)
    details = ["--name", "x", "--license", "MIT", "--target", "web"]
    return ["package", model, "-o", folder / "site", *details]


@pytest.mark.parametrize("text", [DEEP, HALF, DEEP_TOML, DOTS], ids=["deep", "half", "toml", "dots"])
@pytest.mark.parametrize("make", [_card, _recipe, _setting, _run_recipe, _job, _checkpoint, _features, _site])
@pytest.mark.usefixtures("run")
def test_a_deep_file_is_one_line(
    dropgan: Dropgan,
    tmp_path: Path,
    model_file: Path,
    make: Callable[[Path, Path, str], Command],
    text: str,
) -> None:
    """Not a RecursionError's traceback of a thousand lines, and nothing is written."""
    before = {path.name for path in tmp_path.iterdir()}
    answer = dropgan(*make(tmp_path, model_file, text))
    assert answer.code in (1, 2), answer.err
    lines = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert len(lines[0]) < 1000
    assert "Traceback" not in answer.err
    made = {path.name for path in tmp_path.iterdir()} - before
    assert made <= {"m.onnx", "r.toml", "job", "f.safetensors", "site"}


@pytest.mark.parametrize("text", [DEEP, HALF])
def test_a_deep_line_among_metrics_or_in_a_table(
    dropgan: Dropgan, tmp_path: Path, run: Path, text: str
) -> None:
    """Where a line counts for nothing if it is damaged, a deep one counts for nothing."""
    with (run / "metrics.jsonl").open("a") as file:
        file.write(text + "\n")
    answer = dropgan("train", "--resume", "-o", run, "--steps", 41, "--no-score")
    assert answer.code == 0, answer.err
    schema = pa.schema([("x", pa.float64()), ("y", pa.float64())], metadata={b"huggingface": text.encode()})
    values = np.random.default_rng(0).normal(size=(2, 50))
    table = pa.table({"x": values[0], "y": values[1]}, schema=schema)
    pq.write_table(table, tmp_path / "t.parquet")
    settings = ["--set", "generator.hidden=[8]", "--set", "discriminator.hidden=[8]", "--threads", "1"]
    trained = dropgan(
        "train", "--data", tmp_path / "t.parquet", "-o", tmp_path / "vectors", "--steps", 5,
        "--set", "training.batch_size=8", *settings, "--precision", "fp32", "--no-score",
    )  # fmt: skip
    assert trained.code == 0, trained.err
    assert json.loads((tmp_path / "vectors" / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 5
