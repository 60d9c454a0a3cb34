"""Pictures that are something else, and tables that point somewhere else."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dropgan.serve.reporter import Reporter
from dropgan.train import DataError, load_images

from .arena import attack, require_civil
from .conftest import SMALL, Figures, Good

DARK, SECRET = 60, 250
EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n%%EndComments\n0 0 28 28 rectfill\nshowpage\n%%EOF\n"
)
DISGUISED = {
    "eps": EPS,
    "eps in binary": b"\xc5\xd0\xd3\xc6" + (32).to_bytes(4, "little") + bytes(24) + EPS,
    "postscript": EPS.replace(b" EPSF-3.0", b""),
    "wmf": b"\xd7\xcd\xc6\x9a\0\0" + bytes(8) + b"\x1c\0\x1c\0\x48\0" + bytes(200),
    "fits": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(80) + bytes(2720),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    "imagemagick": b"push graphic-context\nfill 'url(https://x.invalid/\"|id>/tmp/x\")'\npop graphic-context",
    "html": b"<html><img src='http://x.invalid/'></html>",
    "elf": b"\x7fELF" + bytes(500),
    "bomb": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\x08\0\0\0\0" + bytes(50),
    "nothing": b"",
}


def _dark(folder: Path, count: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(count)]
    for path in paths:
        Image.fromarray(random.integers(0, DARK, (28, 28), dtype=np.uint8)).save(path)
    return paths


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tif"])
def test_disguised_pictures_run_nothing(tmp_path: Path, figures: Figures, suffix: str) -> None:
    """A file that is called .png and is EPS started Ghostscript, which runs programs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("gs", "gswin64c", "convert", "inkscape", "rsvg-convert", "wmf2png"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {tmp_path / 'sprung'}\n")
        (programs / name).chmod(0o755)
    _dark(tmp_path / "pictures", 4)
    for name, content in DISGUISED.items():
        (tmp_path / "pictures" / f"x {name}.{suffix}").write_bytes(content)
    outcome = attack(
        "train", "--data", "pictures", "-o", "run", "--no-score", *SMALL, folder=tmp_path,
        environment={"PATH": f"{programs}:{os.environ['PATH']}"},
    )  # fmt: skip
    require_civil(outcome)
    assert outcome.code == 0, outcome
    assert not (tmp_path / "sprung").exists()
    assert f"{len(DISGUISED)}" in outcome.err, "pictures were passed over without a word"
    figures.count("pictures", "disguised files", len(DISGUISED))


def _pointers(folder: Path) -> dict[str, str]:
    """Paths in a table that lead to what its author has no right to."""
    outside = folder / "outside"
    outside.mkdir()
    Image.fromarray(np.full((28, 28), SECRET, np.uint8)).save(outside / "secret.png")
    inside = folder / "inside"
    (inside / "link.png").symlink_to(outside / "secret.png")
    (inside / "folder").symlink_to(outside)
    (inside / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(inside / "pipe.png")
    return {
        "absolute": str(outside / "secret.png"),
        "above": "../outside/secret.png",
        "twice above": "x/../../outside/secret.png",
        "link": "link.png",
        "link to a folder": "folder/secret.png",
        "device": "/dev/zero",
        "link to a device": "zero.png",
        "pipe": "pipe.png",
        "proc": "/proc/self/environ",
        "own output": "/dev/stdin",
        "address": "http://127.0.0.1:9/secret.png",
        "file address": (outside / "secret.png").as_uri(),
        "NUL": "a\0b.png",
        "long": "a" * 5000 + ".png",
        "directory": ".",
    }


@pytest.mark.timeout(600)
def test_tables_that_point_elsewhere(tmp_path: Path, figures: Figures) -> None:
    """A Parquet file from the net read any file of the machine, and a pipe held it for ever."""
    own = _dark(tmp_path / "inside", 4)
    for number, (name, path) in enumerate(_pointers(tmp_path).items()):
        rows = [{"bytes": None, "path": one.name} for one in own] + [{"bytes": None, "path": path}]
        table = tmp_path / "inside" / f"t{number}.parquet"
        pq.write_table(pa.table({"image": rows}), table)
        said: list[str] = []
        try:
            images = load_images(str(table), reporter=Reporter(say=said.append, note=said.append)).images
        except DataError as error:
            said.append(str(error))
        else:
            assert images.max() <= DARK, f"{name}: a picture from outside is in the data"
            assert len(images) == len(own)
        assert said, f"{name}: passed over without a word"
        figures.count("pictures", "tables that point elsewhere")


def test_recipes_and_models_that_never_end(good: Good, tmp_path: Path, figures: Figures) -> None:
    """A pipe or a device where a file is expected is one line, not a process that waits for ever."""
    os.mkfifo(tmp_path / "pipe")
    for suffix in (".toml", ".onnx", ".npy", ".npz", ".csv", ".tsv", ".parquet", ".png", ".safetensors"):
        os.mkfifo(tmp_path / f"pipe{suffix}")
        (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    train = ["train", "-o", "run", "--no-score", *SMALL]
    problems = []
    for name in ("pipe", "zero"):
        commands: list[list[object]] = [
            [*train, "--recipe", f"{name}.toml", "--data", good.arrays],
            ["inspect", f"{name}.onnx"],
            ["sample", f"{name}.onnx", "-o", "x.npy"],
            [*train, "--data", good.arrays, "--init-from", f"{name}.onnx"],
            [*train, "--data", good.arrays, "--init-from", f"{name}.safetensors"],
            ["evaluate", good.model, "--data", good.archive, "--features", f"{name}.safetensors"],
            [
                "package",
                good.model,
                "--name",
                "x",
                "--license",
                "MIT",
                "--license-file",
                f"{name}.toml",
                "-o",
                "d",
            ],
            *(
                [*train, "--data", f"{name}{suffix}"]
                for suffix in (".npy", ".npz", ".csv", ".tsv", ".parquet")
            ),
        ]
        for command in commands:
            outcome = attack(*command, folder=tmp_path, seconds=60)
            try:
                require_civil(outcome)
                assert outcome.code != 0, outcome
            except AssertionError as error:
                problems.append(str(error))
            figures.count("pictures", "pipes and devices in place of files")
    assert not problems, "\n\n".join(problems)
