"""dropgan package, as typed."""

import json
import sys
from pathlib import Path

import pytest

from ..node_tools import require_npm
from .conftest import Dropgan


def test_wheel(dropgan: Dropgan, tmp_path: Path, model_file: Path) -> None:
    """The one command between a training run and pip install must say what it made and what is next."""
    out = tmp_path / "dist"
    arguments = ["--name", "blob-gan", "--license", "MIT", "--version", "1.0-rc.1", "-o", out]
    answer = dropgan("package", model_file, *arguments)
    assert answer.code == 0, answer.err
    assert "version    1.0rc1, the registry's spelling of 1.0-rc.1" in answer.out
    wheel, light = sorted(out.iterdir())
    assert (wheel.suffix, light.suffix) == (".whl", ".whl")
    assert str(wheel) in answer.out
    assert "import blob_gan" in answer.out


def test_web(dropgan: Dropgan, tmp_path: Path, model_file: Path) -> None:
    """A program that publishes the site reads where it is."""
    web = require_npm("onnxruntime-web") / "onnxruntime-web"
    text = tmp_path / "LICENSE"
    text.write_text("Ours.")
    arguments = ["--name", "blob-gan", "--license", "LicenseRef-Ours", "--license-file", text, "--no-webgpu"]
    arguments += ["--target", "web", "--onnxruntime-web", web, "-o", tmp_path / "site", "--json"]
    answer = dropgan("package", model_file, *arguments)
    assert answer.code == 0, answer.err
    site = Path(json.loads(answer.out)["site"])
    assert (site / "index.html").exists()
    assert (site / "LICENSE").read_text() == "Ours."


def test_licence_is_asked_for(
    dropgan: Dropgan, tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that forgets the licence gets a usage error, not a package that nobody may use; a
    person at a terminal is asked."""
    command = ("package", model_file, "--name", "blob-gan", "-o", tmp_path / "dist")
    monkeypatch.setattr(sys, "stdin", (tmp_path / "empty").open("w+"))
    answer = dropgan(*command)
    assert answer.code == 2
    assert "--license" in answer.err
    assert not (tmp_path / "dist").exists()

    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self, *_: int) -> str:
            return "mit\n"

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("builtins.input", lambda _="": "mit")
    answer = dropgan(*command)
    assert answer.code == 0, answer.err
    assert "License-Expression: MIT" in next((tmp_path / "dist").glob("blob*")).read_bytes().decode("latin1")


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--license", "MIT", "--target", "npm"], 2, "--target"),
        (["--license", "free"], 1, "SPDX"),
        (["--license", "MIT", "--license-file", "no-such-file"], 1, "no-such-file"),
        (["--license", "MIT", "--runtime", "tpu"], 2, "runtime"),
        (["--license", "MIT", "--version", "new"], 1, "version"),
    ],
)
def test_wrong_arguments(
    dropgan: Dropgan, tmp_path: Path, model_file: Path, arguments: list[str], code: int, word: str
) -> None:
    """Each mistake must be named in one line, and leave nothing behind."""
    out = tmp_path / "dist"
    answer = dropgan("package", model_file, "--name", "blob-gan", "-o", out, *arguments)
    assert answer.code == code
    assert word in answer.err
    assert not out.exists()
