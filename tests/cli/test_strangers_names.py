"""Names of strangers on the terminal, in tables, charts, notes, errors and pages: seen, never acting."""

import dataclasses
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dropgan.serve import Generator
from dropgan.serve.card import METADATA_KEY, Card
from dropgan.serve.loading import read_onnx, with_metadata

from .conftest import Dropgan

HOSTILE = "\x1b[2J\x1b]0;title\x07\r\nerror: forged\u202eevil\x9b31m<script>alert(1)</script>"
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")
SMALL = [
    "--steps=10", "--device=cpu", "--precision=fp32", "--threads=1", "--set", "training.batch_size=8",
    "--set", "generator.hidden=[8]", "--set", "discriminator.hidden=[8]", "--set", "output.log_interval=5",
    "--set", "output.sample_interval=5", "--set", "output.checkpoint_interval=5",
]  # fmt: skip


def _with_card(model: Path, path: Path, **changes: Any) -> Path:
    """A copy of a model whose card says something else."""
    data = model.read_bytes()
    card = Card.from_json(read_onnx(data).metadata[METADATA_KEY])
    for field, values in changes.items():
        card = dataclasses.replace(card, **{field: dataclasses.replace(getattr(card, field), **values)})
    path.write_bytes(with_metadata(data, METADATA_KEY, card.to_json()))
    return path


def _require_plain(answer: Any) -> None:
    assert not ACTING.search(answer.out), ascii(answer.out)
    assert not ACTING.search(answer.err), ascii(answer.err)
    assert not any(line.startswith("error: forged") for line in (answer.out + answer.err).splitlines())


def test_a_hostile_card_on_the_terminal(dropgan: Dropgan, tmp_path: Path, conditional_model: Path) -> None:
    """`inspect` is what one runs on a file from the net: its names must not rewrite the screen."""
    names = (HOSTILE, "b", "c")
    model = _with_card(
        conditional_model,
        tmp_path / "m.onnx",
        data={"name": HOSTILE, "class_names": names},
        training={"recipe": HOSTILE, "versions": {HOSTILE: HOSTILE}},
    )
    answer = dropgan("inspect", model)
    assert answer.code == 0, answer.err
    assert r"\x1b[2J\x1b]0;title\x07\r\nerror: forged\u202eevil\x9b31m" in answer.out
    _require_plain(answer)
    wrong = dropgan("sample", model, "-o", tmp_path / "x.npy", "--labels", "none of them")
    assert wrong.code != 0
    _require_plain(wrong)
    _require_plain(dropgan("inspect", model, "--json"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "{name}"],
        ["sample", "{name}", "-o", "{name}.npy"],
        ["sample", "--verify", "{name}"],
        ["evaluate", "{name}"],
        ["export", "{name}", "-o", "x.onnx"],
        ["package", "{name}", "--name", "{name}", "--license", "MIT", "-o", "x"],
        ["train", "--data", "{name}", "-o", "x"],
        ["train", "--recipe", "{name}", "-o", "x"],
        ["train", "--resume", "-o", "{name}"],
        ["train", "--set", "{name}=1", "-o", "x"],
        ["sample", "--{name}"],
        ["{name}"],
        ["export", "--precision", "{name}", "x"],
    ],
)
def test_hostile_names_in_errors(
    dropgan: Dropgan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """A file's name comes from an archive as easily as from the user."""
    monkeypatch.chdir(tmp_path)
    name = HOSTILE.replace("/", "-")
    answer = dropgan(*(argument.format(name=name) for argument in arguments))
    assert answer.code in (1, 2)
    assert answer.err.startswith("error: ")
    _require_plain(answer)


def test_hostile_column_names(dropgan: Dropgan, tmp_path: Path) -> None:
    """`$` is mathematics to matplotlib, and half a formula ended the training with a traceback."""
    rows = np.random.default_rng(0).normal(size=(60, 4))
    columns = ["$x^{", "$\\frac$", "a\x1b[31m\u202eb", "猫 größe 👩‍👧"]
    table = tmp_path / "t.csv"
    lines = [",".join(columns), *(",".join(f"{value:.4f}" for value in row) for row in rows)]
    table.write_text("\n".join(lines) + "\n", "utf-8")
    answer = dropgan("run", "-o", tmp_path / "run", "--data", table, *SMALL, "--score-samples", 50)
    assert answer.code == 0, answer.err
    _require_plain(answer)
    assert "Glyph" not in answer.err
    assert list(Generator(tmp_path / "run" / "model.onnx", device="cpu").card.data.columns) == columns
    assert Image.open(sorted((tmp_path / "run" / "samples").glob("*.png"))[-1]).format == "PNG"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_class_names_that_are_not_utf8(dropgan: Dropgan, tmp_path: Path) -> None:
    """An old archive's folders: training passed, and then neither report nor model could be written."""
    random = np.random.default_rng(0)
    folder = os.fsencode(tmp_path / "pictures")
    for name in (b"caf\xe9", b"$x^{", b"a\x1b[31mb", "猫".encode()):
        Path(os.fsdecode(folder + b"/" + name)).mkdir(parents=True)
        for number in range(4):
            image = Image.fromarray(random.integers(0, 255, (28, 28), dtype=np.uint8))
            image.save(os.fsdecode(folder + b"/" + name + f"/{number}.png".encode()))
    run = tmp_path / "run"
    answer = dropgan("run", "--data", tmp_path / "pictures", "-o", run, "--conditional", *SMALL)
    assert answer.code == 0, answer.err
    assert "not UTF-8" in answer.err
    _require_plain(answer)
    names = Generator(run / "model.onnx", device="cpu").class_names
    assert set(names) == {r"caf\xe9", "$x^{", "a\x1b[31mb", "猫"}
    page = (run / "report.html").read_text("utf-8")
    assert not ACTING.search(page)
    assert r"caf\xe9" in page
    sampled = dropgan("sample", run / "model.onnx", "--labels", r"caf\xe9", "-o", tmp_path / "s.npy")
    assert sampled.code == 0, sampled.err
    details = ["--name", "old-names", "--license", "MIT", "-o", tmp_path / "dist"]
    assert dropgan("package", run / "model.onnx", *details).code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_paths_that_are_not_utf8(dropgan: Dropgan, tmp_path: Path, image_file: Path) -> None:
    """What a run would have to record is refused before the work; what it need not is taken."""
    name = os.fsdecode(b"caf\xe9")
    shutil.copy(image_file, tmp_path / f"{name}.npy")
    refused = dropgan("train", "--data", tmp_path / f"{name}.npy", "-o", tmp_path / "x", *SMALL)
    assert refused.code == 1
    assert r"caf\xe9.npy has a name that is not UTF-8" in refused.err
    assert not (tmp_path / "x").exists()
    out = dropgan("train", "--data", image_file, "-o", tmp_path / name, *SMALL)
    assert out.code == 1
    assert r"caf\xe9 has a name that is not UTF-8" in out.err
    recipe = tmp_path / f"{name}.toml"
    recipe.write_text('base = "mlp"\n')
    run = tmp_path / "run"
    made = dropgan("train", "--data", image_file, "-o", run, "--recipe", recipe, *SMALL, "--no-score")
    assert made.code == 0, made.err
    assert dropgan("train", "--resume", "-o", run, "--steps", 12, "--no-score").code == 0
    model = tmp_path / f"{name}.onnx"
    exported = dropgan("export", run, "-o", model, "--no-score")
    assert exported.code == 0, exported.err
    assert r"caf\xe9.onnx" in exported.out
    assert dropgan("sample", model, "-o", tmp_path / f"{name}.npy", "-n", 2).code == 0
    assert dropgan("sample", model, "-o", tmp_path / f"{name}-job", "-n", 2).code == 0
    continued = dropgan("train", "--data", image_file, "--init-from", model, "-o", tmp_path / "y", *SMALL)
    assert continued.code == 1
    assert "not UTF-8" in continued.err
