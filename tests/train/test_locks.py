"""One process trains in a directory, and what others left there when they were killed goes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import dropgan
from dropgan.serve import OutputError
from dropgan.train import DataError, RunDirectory, RunError, change_recipe, load_recipe, resume, train
from dropgan.train.run.checkpoint import load_checkpoint

SMALL = {
    "training.batch_size": 8,
    "generator.hidden": [16, 16],
    "discriminator.hidden": [16, 16],
    "output.log_interval": 5,
    "output.checkpoint_interval": 10,
}
FIXED: dict[str, Any] = {"device": "cpu", "precision": "fp32", "threads": 1}


def _start(out: Path, data: Path, **options: Any) -> subprocess.Popen[str]:
    """The command, training for ever, once it has written its first lines."""
    settings = [f"--set={key}={value}" for key, value in SMALL.items()]
    fixed = ["--recipe", "mlp", "--device", "cpu", "--precision", "fp32", "--threads", "1", "--no-score"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "dropgan.cli",
            "train",
            "-o",
            out,
            "--data",
            data,
            *fixed,
            "--steps",
            "10000000",
            *settings,
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        **options,
    )
    end = time.monotonic() + 120
    while not RunDirectory(out).metrics_file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    return process


def test_a_second_process_is_refused_and_the_first_goes_on(tmp_path: Path, image_file: Path) -> None:
    """Two trained in one directory: the recipe of one, the weights of the other, every line twice."""
    out = tmp_path / "run"
    first = _start(out, image_file)
    recipe = change_recipe(load_recipe("mlp"), SMALL)
    taken = f"another process is writing to {out} .process {first.pid} on"
    try:
        with pytest.raises(OutputError, match=taken) as caught:
            train(out, recipe, data=str(image_file), **FIXED)
        assert caught.value.exit_code == 1
        with pytest.raises(OutputError, match=taken):
            resume(out)
        with pytest.raises(OutputError, match=taken):
            dropgan.run(out, recipe, data=str(image_file), **FIXED)
        assert first.poll() is None
        first.send_signal(signal.SIGHUP)  # the terminal was closed
        _, said = first.communicate(timeout=300)
    finally:
        first.kill()
    assert first.returncode == 128 + signal.SIGHUP, said
    assert f"continue with: dropgan train --resume -o {out}" in said
    assert not (out / ".lock").exists()
    rows = [row["step"] for row in RunDirectory(out).read_metrics()]
    assert rows == sorted(set(rows))
    step = load_checkpoint(RunDirectory(out).last_checkpoint).about["step"]
    assert resume(out, steps=step, reporter=dropgan.serve.Reporter(note=pytest.fail)).path == out


def test_nohup_is_respected(tmp_path: Path, image_file: Path) -> None:
    """Started by nohup, training must outlive the terminal."""
    process = _start(
        tmp_path / "run", image_file, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    try:
        process.send_signal(signal.SIGHUP)
        seen = RunDirectory(tmp_path / "run").read_metrics()[-1]["step"]
        end = time.monotonic() + 60
        while RunDirectory(tmp_path / "run").read_metrics()[-1]["step"] < seen + 20:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        process.kill()
        process.communicate()


def test_what_killed_processes_left_goes(tmp_path: Path, image_file: Path) -> None:
    """Temporaries of a killed training stayed for ever; those of a living process must stay."""
    out = tmp_path / "run"
    recipe = change_recipe(load_recipe("mlp"), {**SMALL, "training.steps": 10})
    run = train(out, recipe, data=str(image_file), **FIXED)
    left = [
        out / ".recipe.toml.0a1b2c3d.tmp",
        out / "checkpoints" / ".best.safetensors.00000000.tmp",
        out / "samples" / ".step-0000010.png.ffffffff.tmp",
    ]
    for path in left:
        path.write_bytes(b"half")
    mine = out / ".notes.tmp"
    mine.write_text("not dropgan's")
    resume(run, steps=20)
    assert not any(path.exists() for path in left)
    assert mine.exists()


def test_a_run_killed_before_it_began_can_be_begun_again(tmp_path: Path, image_file: Path) -> None:
    """Killed while it wrote its first file, a run left a directory that was then called not empty."""
    out = tmp_path / "run"
    out.mkdir()
    (out / ".lock").write_text("process 1 on elsewhere\n")
    (out / ".recipe.toml.0a1b2c3d.tmp").write_bytes(b"half")
    recipe = change_recipe(load_recipe("mlp"), {**SMALL, "training.steps": 5})
    assert train(out, recipe, data=str(image_file), **FIXED).last_checkpoint.exists()
    assert not list(out.glob(".*"))


def test_nothing_is_left_where_nothing_began(tmp_path: Path) -> None:
    """A wrong name of the data must not leave directories behind, nor touch those that were there."""
    with pytest.raises(DataError, match="there is no data"):
        train(tmp_path / "new" / "run", data="nowhere.npy")
    with pytest.raises(RunError, match="is not a run"):
        resume(tmp_path / "other")
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match="there is no data"):
        train(tmp_path / "mine", data="nowhere.npy")
    assert os.listdir(tmp_path) == ["mine"]  # noqa: PTH208
