"""Several processes at one place at once: one does the work, or all of it is done once."""

import hashlib
import os
import shutil
import signal
import time
import tomllib
from pathlib import Path

import pytest
from safetensors import safe_open

from .arena import finish, require_civil, start
from .conftest import JOB, SMALL, Cases, Figures, Good

TOGETHER = 3


def _weights(run: Path) -> str:
    digest = hashlib.sha256()
    with safe_open(run / "checkpoints" / "last.safetensors", framework="np") as file:
        for name in sorted(file.keys()):
            digest.update(name.encode() + file.get_tensor(name).tobytes())
    return digest.hexdigest()


def _train(good: Good, seed: int) -> list[object]:
    return ["train", "--data", good.arrays, "-o", "run", "--seed", seed, "--no-score", *SMALL]


@pytest.fixture(scope="module")
def alone(good: Good, tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """The weights of runs that had their directory to themselves, by seed."""
    found = {}
    for seed in range(TOGETHER):
        folder = tmp_path_factory.mktemp("alone")
        outcome = finish(start(*_train(good, seed), folder=folder))
        assert outcome.code == 0, outcome
        found[seed] = _weights(folder / "run")
    return found


@pytest.mark.share(0.06)
def test_several_trainings_in_one_directory(
    good: Good, tmp_path: Path, cases: Cases, figures: Figures, alone: dict[int, str]
) -> None:
    """It ended in the recipe of one run and the weights of another, each with exit code 0."""
    for number in cases(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        together = [start(*_train(good, seed), folder=folder) for seed in range(TOGETHER)]
        outcomes = [finish(process) for process in together]
        for outcome in outcomes:
            require_civil(outcome)
        assert sorted(outcome.code or 0 for outcome in outcomes) == [0, *[1] * (TOGETHER - 1)], outcomes
        recipe = tomllib.loads((folder / "run" / "recipe.toml").read_text())
        seed = recipe["training"]["seed"]
        assert outcomes[seed].code == 0, "the recipe is of a process that says it failed"
        assert _weights(folder / "run") == alone[seed]
        steps = [
            line for line in (folder / "run" / "metrics.jsonl").read_text().splitlines() if "loss" in line
        ]
        assert len(steps) == 2, "lines of two runs are mixed"
        figures.count("locks", "directories that several trainings wanted")
        if number >= 2:
            break


def test_several_resumptions(good: Good, tmp_path: Path, figures: Figures) -> None:
    """Two `--resume` of one run both went on and wrote over each other."""
    first = finish(start(*_train(good, 0), folder=tmp_path))
    assert first.code == 0, first
    shutil.copytree(tmp_path / "run", tmp_path / "reference")
    resume = ["train", "--resume", "--steps", "40", "--no-score", "-o"]
    assert finish(start(*resume, "reference", folder=tmp_path)).code == 0
    outcomes = [
        finish(process) for process in [start(*resume, "run", folder=tmp_path) for _ in range(TOGETHER)]
    ]
    for outcome in outcomes:
        require_civil(outcome)
    assert any(outcome.code == 0 for outcome in outcomes)
    assert _weights(tmp_path / "run") == _weights(tmp_path / "reference")
    one, other = ((tmp_path / name / "metrics.jsonl").read_text() for name in ("run", "reference"))
    assert one.count("generator_loss") == other.count("generator_loss")
    figures.count("locks", "resumptions at once", TOGETHER)


@pytest.mark.parametrize("what", ["train", "sample"])
def test_a_killed_process_leaves_no_lock(good: Good, tmp_path: Path, figures: Figures, what: str) -> None:
    """kill -9 must not leave a directory that nobody may use again."""
    if what == "train":
        begin = ["train", "--data", good.arrays, "-o", "run", *SMALL, "--steps=100000", "--no-score"]
        again = ["train", "--resume", "-o", "run", "--steps", "100001", "--minutes", "0.02", "--no-score"]
        sign = tmp_path / "run" / "metrics.jsonl"
    else:
        begin = ["sample", good.model, "-o", "run", "-n", "400000", "--shard-size", "1000", "--format", "npy"]
        again = [*begin[:4], "-n", "400000", "--shard-size", "1000", "--format", "npy", "--part", "1/200"]
        sign = tmp_path / "run" / "job.json"
    process = start(*begin, folder=tmp_path)
    deadline = time.monotonic() + 120
    while not sign.exists():
        assert process.poll() is None, finish(process)
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGSTOP)  # so that it holds its lock, however fast the machine is
    busy = finish(start(*(again if what == "train" else begin), folder=tmp_path))
    require_civil(busy)
    assert busy.code == 1, f"a second process went to work beside the first: {busy}"
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)
    after = finish(start(*again, folder=tmp_path))
    assert after.code == 0 or "minutes" in after.err, after
    figures.count("locks", "killed holders of a lock")


def test_several_jobs_into_one_directory(good: Good, tmp_path: Path, figures: Figures) -> None:
    """Every shard once, whole, with the bytes that one process writes."""
    outcomes = [
        finish(process)
        for process in [
            start("sample", good.model, "-o", "job", *JOB, folder=tmp_path) for _ in range(TOGETHER)
        ]
    ]
    for outcome in outcomes:
        require_civil(outcome)
    assert any(outcome.code == 0 for outcome in outcomes)
    for path in good.job.glob("*.npy"):
        assert (tmp_path / "job" / path.name).read_bytes() == path.read_bytes()
    assert not [path.name for path in (tmp_path / "job").iterdir() if path.name.endswith(".tmp")]
    figures.count("locks", "jobs into one directory", TOGETHER)


def test_several_exports_to_one_file(good: Good, tmp_path: Path, figures: Figures) -> None:
    """The file is the one that each of them writes, never a mixture."""
    export = ["export", good.run, "-o", "m.onnx", "--no-score"]
    together = [start(*export, folder=tmp_path) for _ in range(TOGETHER)]
    outcomes = [finish(process) for process in together]
    assert all(outcome.code == 0 for outcome in outcomes), outcomes
    assert (tmp_path / "m.onnx").read_bytes() == good.model.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    figures.count("locks", "exports to one file", TOGETHER)
