"""dropgan doctor: every line says ok, absent or broken, and what to do."""

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import pytest

from .conftest import Dropgan

ROOT = Path(__file__).parents[2]
PROVIDERS = "dropgan.serve.providers"


def _told(dropgan: Dropgan) -> dict[str, dict[str, str]]:
    return {entry["name"]: entry for entry in json.loads(dropgan("doctor", "--json").out)}


def test_every_line_has_a_state_and_whatever_is_not_well_a_remedy(dropgan: Dropgan) -> None:
    """A line "ok cuda: device cuda does not work" helps nobody."""
    answer = dropgan("doctor")
    assert answer.code == 0, answer.out
    assert all(re.match(r"(ok|absent|broken) {2,}\S|  +\S", line) for line in answer.out.splitlines())
    told = _told(dropgan)
    assert told["runtime on cpu"]["state"] == "ok"
    for entry in told.values():
        assert entry["state"] in ("ok", "absent", "broken")
        assert entry["state"] == "ok" or entry["remedy"], entry


def test_no_driver_is_absent_and_said_once_each(dropgan: Dropgan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a machine has no NVIDIA driver this is the place that says so, and no command does."""
    monkeypatch.setattr(f"{PROVIDERS}.has_nvidia_driver", lambda: False)
    told = _told(dropgan)
    assert told["runtime on cuda"]["state"] == told["torch on cuda"]["state"] == "absent"
    assert "no NVIDIA driver" in told["runtime on cuda"]["value"]


def test_a_driver_without_cuda_in_the_runtime(dropgan: Dropgan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who has a GPU is told which package to take for it."""
    monkeypatch.setattr(f"{PROVIDERS}.has_nvidia_driver", lambda: True)
    monkeypatch.setattr(f"{PROVIDERS}.CUDA", "a provider that this runtime lacks")
    cuda = _told(dropgan)["runtime on cuda"]
    assert cuda["state"] == "absent"
    assert "dropgan[gpu]" in cuda["remedy"]


def test_a_driver_without_a_gpu_is_broken(dropgan: Dropgan, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that finds no card is a fault to mend, and the exit code says so."""
    monkeypatch.setattr(f"{PROVIDERS}.has_nvidia_driver", lambda: True)
    monkeypatch.setattr(f"{PROVIDERS}.CUDA", "CPUExecutionProvider")
    monkeypatch.setattr(f"{PROVIDERS}.nvidia_driver", lambda: "finds no usable GPU (cuInit gave 100)")
    answer = dropgan("doctor")
    assert answer.code == 1
    assert re.search(r"broken +runtime on cuda +finds no usable GPU", answer.out)


def test_doctor_finds_both_runtimes(dropgan: Dropgan, monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime and onnxruntime-gpu overwrite each other's files; pip does not notice."""
    both = {"onnxruntime": "1", "onnxruntime-gpu": "1"}
    monkeypatch.setattr(f"{PROVIDERS}.installed_runtimes", lambda: both)
    answer = dropgan("doctor")
    assert answer.code == 1
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in answer.out


def test_every_extra_is_shown(dropgan: Dropgan) -> None:
    """An extra that is added to pyproject.toml is shown here too, but for runtimes and the tools."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    shown = {name.strip("[]") for name in _told(dropgan) if name.startswith("[")}
    assert shown == set(extras) - {"cpu", "gpu", "cuda", "dev"}


def test_an_extra_without_one_of_its_packages(dropgan: Dropgan, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is named."""
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "safetensors":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    train = _told(dropgan)["[train]"]
    assert train["state"] == "absent"
    assert "without safetensors" in train["value"]
    assert "dropgan[train]" in train["remedy"]


def test_a_package_that_does_not_load_is_broken(dropgan: Dropgan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed is not enough: a library may be missing, and commands would end in a traceback."""
    real = importlib.import_module

    def load(name: str, *rest: str) -> object:
        if name == "matplotlib":
            raise OSError("libfreetype.so.6: cannot open shared object file\nmore")
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", load)
    answer = dropgan("doctor")
    assert answer.code == 1
    assert re.search(r"broken +\[train\] +matplotlib does not load: libfreetype\.so\.6: cannot", answer.out)
