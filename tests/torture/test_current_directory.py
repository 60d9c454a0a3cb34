"""A directory full of traps: nothing that lies where a command is called is ever run."""

import os
import sys
from pathlib import Path

import pytest

from .arena import finish, require_civil, start
from .conftest import JOB, SMALL, Figures, Good

MODULES = (
    "json", "numpy", "torch", "onnx", "onnxruntime", "typer", "rich", "random", "typing", "tempfile",
    "tomllib", "hashlib", "pydantic", "matplotlib", "PIL", "pyarrow", "safetensors", "jinja2", "dropgan",
    "sitecustomize", "usercustomize", "torchmetrics", "scipy", "deflate", "multiprocessing", "secrets",
)  # fmt: skip


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """A directory whose every module, program and setting leaves a mark when it is used."""
    folder = tmp_path / "traps"
    folder.mkdir()
    for name in MODULES:
        code = f"open({str(tmp_path / 'sprung')!r}, 'a').write({name!r} + '\\n')\n"
        (folder / f"{name}.py").write_text(code)
    for name in ("gs", "latex", "dvipng", "convert", "ffmpeg", "npm", "nvidia-smi", "git", "python3"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path / 'sprung'}\n")
        (folder / name).chmod(0o755)
    (folder / "matplotlibrc").write_text("text.usetex: True\nbackend: module://sitecustomize\n")
    (folder / "setup.cfg").write_text("[global]\n")
    return folder


COMMANDS = {
    "inspect": lambda good: ["inspect", good.model],
    "sample": lambda good: ["sample", good.model, "-o", "../out.npy"],
    "workers": lambda good: ["sample", good.model, "-o", "../job", *JOB, "--workers", "2"],
    "png": lambda good: ["sample", good.model, "-o", "../png", "-n", "20", "--format", "png"],
    "data": lambda good: ["data", good.pictures, "--size", "8", "-o", "../sheet.png"],
    "train": lambda good: ["train", "--data", good.pictures, "-o", "../run", *SMALL],
    "run": lambda good: ["run", "--data", good.table, "-o", "../all", *SMALL],
    "export": lambda good: ["export", good.run, "-o", "../m.onnx", "--precision", "int8"],
    "evaluate": lambda good: [
        "evaluate", good.model, "--data", good.archive, "--features", good.features,
        "--report", "../report.html", "-n", "60",
    ],
    "package": lambda good: ["package", good.model, "-o", "../dist", "--name", "x-gan", "--license", "MIT"],
    "doctor": lambda _: ["doctor"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_of_the_current_directory_is_run(
    good: Good, tmp_path: Path, traps: Path, figures: Figures, name: str
) -> None:
    """Workers of `sample` ran a json.py that lay there; `usetex` in a matplotlibrc ran a program."""
    outcome = finish(start(*COMMANDS[name](good), folder=traps))
    require_civil(outcome)
    assert outcome.code == 0, outcome
    sprung = tmp_path / "sprung"
    assert not sprung.exists(), f"{name} ran {sprung.read_text().split()}"
    figures.count("current directory", "commands among traps")


def test_the_traps_work(tmp_path: Path, traps: Path) -> None:
    """A plain python that is started there does run them, so that the test above can fail."""
    import subprocess

    subprocess.run([sys.executable, "-c", "import json"], cwd=traps, check=False, env={**os.environ})
    assert "json" in (tmp_path / "sprung").read_text()
