"""Damaged and hostile files of every kind that a user may hand to a command."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ..serve.mutations import mutate as mutate_model
from .arena import attack, require_civil
from .conftest import JOB, SMALL, Cases, Chance, Figures, Good

HOSTILE_TEXTS = (
    "NaN", "Infinity", "-1", "0", "1e999", "10000000000000000000000", "null", "true", '""', "[]", "{}",
    '"\\u0000"', '"\\ud800"', '"\\u001b[2J"', '"../../x"', "[[[[[[]]]]]]", '"' + "a" * 70_000 + '"',
)  # fmt: skip


def spoil(content: bytes, draw: random.Random) -> bytes:
    """Flip, cut, repeat or move bytes, or put a hostile value in the place of one in a text."""
    kind = draw.randrange(7)
    place = draw.randrange(len(content) + 1)
    if draw.random() < 0.5:  # headers stand in front
        place = draw.randrange(min(300, len(content)) + 1)
    if kind == 0:
        changed = bytearray(content)
        for _ in range(draw.choice([1, 1, 2, 8])):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        return bytes(changed)
    if kind == 1:
        return content[:place]
    if kind == 2:
        return content[:place] + content[place + draw.choice([1, 4, 100]) :]
    if kind == 3:
        return (
            content[:place] + bytes(draw.randrange(256) for _ in range(draw.choice([1, 8]))) + content[place:]
        )
    if kind == 4:
        return (
            content[:place]
            + draw.choice([b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7])
            + content[place + 8 :]
        )
    if kind == 5:
        return content + content[: draw.choice([1, 100, len(content)])]
    return _spoil_value(content, draw)


def _spoil_value(content: bytes, draw: random.Random) -> bytes:
    head = content[:100_000]
    values = list(
        re.finditer(rb'(?<=[:=,\[( ])\s*("[^"\n]{0,200}"|-?[0-9][0-9.eE+-]*|true|false|null)', head)
    )
    if not values:
        return content[: len(content) // 2]
    found = draw.choice(values)
    return content[: found.start(1)] + draw.choice(HOSTILE_TEXTS).encode() + content[found.end(1) :]


Line = Callable[[Good, Path], list[object]]


def _train(*arguments: object) -> list[object]:
    return ["train", "-o", "out", "--no-score", *SMALL, *arguments]


def _data(name: str) -> Line:
    return lambda _, path: _train("--data", path / name)


# What is spoiled, and a command that reads it: of a folder one file, chosen by chance.
KINDS: dict[str, tuple[str, Line]] = {
    "npy": ("arrays", _data("images.npy")),
    "npz": ("archive", _data("images.npz")),
    "csv": ("table", _data("table.csv")),
    "parquet": ("parquet", _data("table.parquet")),
    "idx": ("idx", _data("idx")),
    "pictures": ("pictures", _data("pictures")),
    "recipe": ("recipe", lambda good, path: ["train", "-o", "out", "--no-score", "--data", good.arrays,
                                             "--threads", 1, "--precision", "fp32", "--minutes", "0.05",
                                             "--recipe", path / "recipe.toml"]),
    "features": ("features", lambda good, path: ["evaluate", good.model, "--data", good.archive, "-n", 20,
                                                 "--features", path / "features.safetensors"]),
    "model": ("model", lambda _, path: ["sample", path / "model.onnx", "-o", "out.npy", "-n", 4]),
    "inspected": ("model", lambda _, path: ["inspect", path / "model.onnx"]),
    "exported run": ("run", lambda _, path: ["export", path / "run", "-o", "out.onnx", "--no-score"]),
    "resumed run": ("run", lambda _, path: ["train", "--resume", "-o", path / "run", "--steps", 9,
                                            "--minutes", "0.05", "--no-score"]),
    "begun from": ("run", lambda good, path: _train("--data", good.archive, "--conditional",
                                                    "--init-from", path / "run")),
    "verified job": ("job", lambda _, path: ["sample", "--verify", path / "job"]),
    "job": ("job", lambda good, path: ["sample", good.model, "-o", path / "job", *JOB]),
}  # fmt: skip
SKIPPED = (".png", ".webp")  # what dropgan writes into a run and never reads


@pytest.mark.share(0.025)
@pytest.mark.parametrize("kind", KINDS)
def test_spoiled_files(
    good: Good, tmp_path: Path, chance: Chance, cases: Cases, figures: Figures, kind: str
) -> None:
    """Any damage is one line or harmless: never a traceback, a hang, or memory without end."""
    source, line = KINDS[kind]
    for number in cases(60):
        draw = chance(f"{kind} {number}")
        folder = tmp_path / str(number)
        folder.mkdir()
        copy = good.copy(getattr(good, source), folder / getattr(good, source).name)
        files = [copy] if copy.is_file() else sorted(path for path in copy.rglob("*") if path.is_file())
        if source == "run":
            files = [path for path in files if path.suffix not in SKIPPED]
        victim = draw.choice(files)
        content = victim.read_bytes()
        spoiled = mutate_model(content, draw.randrange(2**31)) if source == "model" else spoil(content, draw)
        victim.write_bytes(spoiled)
        outcome = attack(*line(good, folder), folder=folder)
        figures.count("files", f"{kind} spoiled")
        figures.count("files", "taken as they were" if outcome.code == 0 else "refused")
        if kind == "verified job" and outcome.code == 1:
            assert "Traceback" not in outcome.err, f"case {number}, {victim.name}: {outcome}"
            continue
        try:
            require_civil(outcome)
        except AssertionError as error:
            raise AssertionError(f"case {number} of {kind}, {victim.relative_to(folder)}: {error}") from None
        if kind == "job" and outcome.code == 0:
            _require_right_shards(good, copy, f"case {number}, {victim.name}: {outcome}")


def _require_right_shards(good: Good, job: Path, about: str) -> None:
    """A command that ends well leaves the very bytes of an undamaged job."""
    for path in good.job.glob("*.npy"):
        assert (job / path.name).read_bytes() == path.read_bytes(), about
    right, made = (
        [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
        for folder in (good.job, job)
    )
    assert made == right, about
