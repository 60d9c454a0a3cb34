"""Which runtime `make` installs, asked with make's dry run."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def _installs(folder: Path, *arguments: str, driver: bool = False, machine: str = "x86_64") -> str:
    """The runtime that `make demo` would install in a clone at ``folder``."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    for name, script in {
        "nvidia-smi": f"exit {0 if driver else 9}",
        "uname": f"echo {machine}",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    environment.pop("RUNTIME", None)
    answer = subprocess.run(
        ["make", "-n", "demo", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return re.findall(r"-e '\.\[(\w+),", answer.stdout)[0]


@pytest.mark.parametrize(
    ("driver", "machine", "runtime"),
    [
        (False, "x86_64", "cpu"),
        (True, "x86_64", "gpu"),
        (True, "aarch64", "cpu"),
        (False, "arm64", "cpu"),
    ],
)
def test_the_runtime_fits_the_machine(tmp_path: Path, driver: bool, machine: str, runtime: str) -> None:
    """onnxruntime-gpu has no wheels for macOS or Arm, where `make demo` ended in pip's error."""
    assert _installs(tmp_path, driver=driver, machine=machine) == runtime


def test_a_runtime_can_be_asked_for(tmp_path: Path) -> None:
    """RUNTIME=... wins."""
    assert _installs(tmp_path, "RUNTIME=gpu") == "gpu"


def test_an_installed_runtime_stays(tmp_path: Path) -> None:
    """A driver that comes or goes must not swap what an environment was set up with."""
    (tmp_path / ".venv").mkdir()
    stamp = tmp_path / ".venv" / ".installed-gpu"
    stamp.touch()
    os.utime(stamp, (0, 0))  # older than pyproject.toml, so that it is installed again
    assert _installs(tmp_path) == "gpu"
