"""benchmarks/gpu.py at its small size: what runs for the first time on a rented GPU fails there."""

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from .test_architecture import REPOSITORY

SCRIPT = REPOSITORY / "benchmarks" / "gpu.py"


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rates(gpu: ModuleType) -> None:
    """A recipe or a precision that fails must not cost the others."""
    until = time.monotonic() + 60
    failed, made = gpu.rates("cpu", ["no such recipe", "mlp"], until)
    assert failed["error"].startswith("RecipeError")
    assert (made["recipe"], made["precision"], made["batch_size"]) == ("mlp", "fp32", 8)
    assert made["steps_per_second"] > 0
    assert made["finite"]
    late = list(gpu.rates("cpu", ["mlp"], until - 3600))
    assert {row["error"] for row in late} == {"no time was left"}


def test_sampling(gpu: ModuleType, model_file: Path) -> None:
    """Where onnxruntime has no CUDA, the file says so and why; the CPU is measured all the same."""
    found = gpu.sampling("cpu", model_file)
    assert found["cpu"]["largest_difference"] == 0
    assert found["cpu"]["samples_per_second_batch_64"] > 0
    assert "absent" in found["cuda"] or found["cuda"]["largest_difference"] <= 1


def test_a_part_that_fails_leaves_its_error(gpu: ModuleType, tmp_path: Path) -> None:
    """Nine minutes on a GPU must not be lost by the last of them."""
    report: dict[str, object] = {"seconds": {}}
    gpu.attempt("part", lambda: 1 / 0, report, tmp_path / "gpu.json")
    assert report["part"] == {"error": "ZeroDivisionError: division by zero"}
    assert json.loads((tmp_path / "gpu.json").read_text())["part"] == report["part"]  # if the rest is killed


def test_it_runs_from_a_source_tree(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where dropgan is not installed there is no version to be found, which every run records."""

    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "")
    with monkeypatch.context() as inside:
        inside.setattr(importlib.metadata, "version", absent)
        gpu.use_source_tree()
    paths = os.environ["PYTHONPATH"].split(os.pathsep)
    assert paths[0] == str(REPOSITORY)
    (found,) = importlib.metadata.distributions(name="dropgan", path=paths[1:])
    assert found.version == importlib.metadata.version("dropgan")


@pytest.mark.slow
def test_the_whole_script(tmp_path: Path) -> None:
    """Every part, in a folder of its own, as it is called on a GPU."""
    out = tmp_path / "gpu.json"
    arguments = ["-o", str(out), "--device", "cpu", "--recipes", "mlp", "conv", "--minutes", "8"]
    subprocess.run([sys.executable, str(SCRIPT), *arguments], cwd=tmp_path, check=True, timeout=540)
    report = json.loads(out.read_text())
    parts = ("versions", "resume", "scored", "sampling", "tests", "rates")
    assert not [part for part in parts if "error" in report[part]]
    assert all(one["exact"] for one in report["resume"].values())
    assert report["tests"]["passed"]
    assert [row for row in report["rates"] if "error" in row] == []
