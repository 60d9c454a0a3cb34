"""Killed twenty times in the middle of things, a run ends as if nothing had happened."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from dropgan.train import RunDirectory, load_images
from dropgan.train.run.checkpoint import load_checkpoint

KILLS = 20
SETTINGS = {
    "training.batch_size": 16,
    "generator.hidden": "[32,32]",
    "discriminator.hidden": "[32,32]",
    "output.log_interval": 50,
    "output.sample_interval": 500,
    "output.checkpoint_interval": 150,
}


def _command(out: Path, data: Path, *more: str) -> list[str]:
    program = str(Path(sys.executable).parent / "dropgan")
    settings = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    fixed = ["--recipe", "mlp", "--device", "cpu", "--precision", "fp32", "--threads", "1"]
    fixed += ["--steps", "10000"]
    return [program, "train", "-o", str(out), "--data", str(data), *fixed, *settings, *more]


def _rows(run: RunDirectory) -> list[dict[str, Any]]:
    timing = ("seconds", "steps_per_second")
    rows = [{key: row[key] for key in row if key not in timing} for row in run.read_metrics()]
    return sorted(rows, key=lambda row: (row["step"], json.dumps(row, sort_keys=True)))


def _last_step(run: RunDirectory) -> int:
    return max((row["step"] for row in run.read_metrics()), default=0)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_twenty_kills(tmp_path: Path) -> None:
    """kill -9 at random moments of the real command, scores under way, checkpoints being written: the
    weights, the best weights and the lines of metrics are those of the run that was left alone."""
    import numpy as np

    data = tmp_path / "clothes.npy"
    np.save(data, load_images("fashion-mnist-10k").images[::20])
    whole, parts = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "parts")
    subprocess.run(_command(whole.path, data, "--quiet"), check=True, timeout=600)
    draw = random.Random(0)
    kills: list[int] = []
    while len(kills) < KILLS:
        more = ["--resume"] if parts.recipe_file.exists() else []
        process = subprocess.Popen(_command(parts.path, data, "--quiet", *more))
        # some while the command gets ready; else by steps, so that a fast machine is not done too soon
        target = -1 if draw.random() < 0.2 else _last_step(parts) + draw.uniform(0, 600)
        while process.poll() is None and target >= 0 and _last_step(parts) <= target:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 3) if target < 0 else draw.uniform(0, 0.2))
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills.append(_last_step(parts))
    print(f"killed at steps {kills}")
    assert len(kills) == KILLS, "the run was over before it had been killed often enough"
    more = ["--resume"] if parts.recipe_file.exists() else []
    subprocess.run(_command(parts.path, data, "--quiet", *more), check=True, timeout=600)
    for name in ("last", "best"):
        one, other = (
            load_checkpoint(run.path / "checkpoints" / f"{name}.safetensors") for run in (whole, parts)
        )
        assert one.tensors.keys() == other.tensors.keys()
        assert all(torch.equal(one.tensors[key], other.tensors[key]) for key in one.tensors)
        assert one.about["step"] == other.about["step"]
    assert _rows(whole) == _rows(parts)
    assert len([row for row in _rows(parts) if "score" in row]) == 20
