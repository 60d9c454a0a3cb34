"""Several processes, and some that die."""

import errno
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dropgan.serve.lock import Lock
from dropgan.serve.reporter import Reporter
from dropgan.sweep.work import TrialError
from dropgan.train import RunDirectory

from .small import MACHINE, small_sweep

KILLS = 3
_SETTINGS = {
    "training.batch_size": 16,
    "generator.hidden": "[32,32]",
    "discriminator.hidden": "[32,32]",
    "output.sample_interval": 1000,
    "output.checkpoint_interval": 200,
}


def test_a_trial_that_another_process_trains_is_left_until_it_lets_go(
    tmp_path: Path, image_file: Path
) -> None:
    """The lock is all there is between two processes and one run: others are trained first, then it is
    waited for, and taken over once its process is gone."""
    axes = {"generator.dropout": [0, 0.3]}
    whole = small_sweep(tmp_path / "whole", str(image_file), axes)
    taken = tmp_path / "shared" / "trials" / whole.trials[0][0].name
    taken.mkdir(parents=True)
    (whole.path / "sweep.json").rename(tmp_path / "shared" / "sweep.json")
    lock, said = Lock(taken / ".lock"), list[str]()

    def say(line: str) -> None:
        said.append(line)
        if "waiting for the 1 trial that other processes train" in line:
            lock.release()

    shared = small_sweep(tmp_path / "shared", str(image_file), axes, reporter=Reporter(say=say))
    assert shared.as_dict() == whole.as_dict()
    places = [
        next(i for i, line in enumerate(said) if text in line) for text in ("dropout=0.3", "waiting", "=0 ")
    ]
    assert places == sorted(places)


def test_a_full_disk_loses_nothing(tmp_path: Path, image_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that names the trial; the same command goes on once there is room, with the same results."""
    axes = {"generator.dropout": [0, 0.3]}
    whole = small_sweep(tmp_path / "whole", str(image_file), axes)
    written = 0

    def append(run: RunDirectory, row: dict[str, Any]) -> None:
        nonlocal written
        written += 1
        if written > 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(run, row)

    real = RunDirectory.append_metrics
    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "append_metrics", append)
        with pytest.raises(TrialError, match="No space left on device; nothing is lost") as error:
            small_sweep(tmp_path / "full", str(image_file), axes)
    assert "trial generator.dropout=0.3_seed=0: " in str(error.value)
    assert error.value.exit_code == 1
    again = small_sweep(tmp_path / "full", str(image_file), axes)
    assert again.as_dict() == whole.as_dict()


def _command(out: Path, data: Path) -> list[str]:
    program = str(Path(sys.executable).parent / "dropgan")
    settings = [part for key, value in _SETTINGS.items() for part in ("--set", f"{key}={value}")]
    axes = ["--generator-dropout", "0,0.3", "--discriminator-dropout", "0,0.3", "--seeds", "2"]
    return [program, "sweep", "--recipe", "mlp", "--data", str(data), *axes, *settings, *MACHINE,
            "--steps", "1500", "-o", str(out)]  # fmt: skip


def _trained_by(folder: Path, process: int) -> RunDirectory | None:
    """The trial that a process holds the lock of."""
    for lock in folder.glob("trials/*/.lock"):
        try:
            if f"process {process} " in lock.read_text():
                return RunDirectory(lock.parent)
        except OSError:  # let go meanwhile
            continue
    return None


class _Endings(threading.Thread):
    """Sees each trial.json, and whether one was ever written again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.seen: dict[str, int] = {}
        self.twice: list[str] = []
        self._folder, self._over = folder, threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.02):
            for path in self._folder.glob("trials/*/trial.json"):
                number = path.stat().st_ino
                if self.seen.setdefault(path.parent.name, number) != number:
                    self.twice.append(path.parent.name)

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_three_kills_cost_nothing(tmp_path: Path, image_file: Path) -> None:
    """Two processes of the real command on one directory, one killed with -9 three times while it trains:
    no trial is lost, none is finished twice, and the results are those of a sweep that was left alone."""
    quiet, shared = tmp_path / "quiet", tmp_path / "shared"
    subprocess.run([*_command(quiet, image_file), "--quiet"], check=True, timeout=1800)
    endings, draw = _Endings(shared), random.Random(0)
    endings.start()
    steady = subprocess.Popen([*_command(shared, image_file), "--quiet"])
    killed: list[str] = []
    for _ in range(KILLS):
        victim = subprocess.Popen([*_command(shared, image_file), "--quiet"])
        target, deadline = draw.uniform(100, 700), time.monotonic() + 900
        while time.monotonic() < deadline and victim.poll() is None:
            run = _trained_by(shared, victim.pid)
            if run is not None and max((row["step"] for row in run.read_metrics()), default=0) > target:
                break
            time.sleep(0.01)
        assert victim.poll() is None, "the sweep was over before it had been disturbed often enough"
        victim.kill()
        victim.wait()
        assert run is not None
        killed.append(run.path.name)
    assert steady.wait(timeout=1800) == 0
    endings.stop()
    assert len(endings.seen) == 8
    assert endings.twice == []
    for name in ("results.json", "results.csv", "best.toml"):
        assert (shared / name).read_bytes() == (quiet / name).read_bytes()
    print(f"killed in {killed}")
