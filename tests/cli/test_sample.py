"""`dropgan sample` as a job: what a person or a script sees."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Generator

from .conftest import Dropgan

FIXED = ("--device", "cpu", "--workers", 1, "--threads", 1)


def test_job_restart_verify(dropgan: Dropgan, model_file: Path, tmp_path: Path) -> None:
    """The way through the guide: make, check, lose a shard, be told, make it again."""
    out = tmp_path / "out"
    job = ("sample", model_file, "-n", 300, "-o", out, "--format", "tar", "--shard-size", 100, *FIXED)
    answer = dropgan(*job)
    assert answer.code == 0, answer.err
    assert "3 shards (3 made, 0 found intact), 300 samples" in answer.out
    assert dropgan("sample", "--verify", out).code == 0

    (out / "images-00000001.tar").unlink()
    answer = dropgan("sample", "--verify", out, "--json")
    told = json.loads(answer.out)
    assert (answer.code, told["passed"], told["whole"]) == (1, False, 2)
    assert told["problems"] == ["images-00000001.tar is missing"]
    assert "!!  images-00000001.tar is missing" in dropgan("sample", "--verify", out, "-q").out

    answer = dropgan(*job, "--json")
    told = json.loads(answer.out)
    assert (told["made"], told["found"], told["complete"]) == (1, 2, True)
    assert "images-00000001.tar is missing: making it again" in answer.err

    answer = dropgan(*job, "--seed", 1)
    assert answer.code == 1
    assert "seed is 0 there and 1 here" in answer.err


def test_parts(dropgan: Dropgan, model_file: Path, tmp_path: Path) -> None:
    """Each task of a job array is told that the whole is not there yet, the last one is not."""
    job = ("sample", model_file, "-n", 90, "-o", tmp_path, "--format", "npy", "--shard-size", 30, *FIXED)
    assert "part 2/3 is done; the job is complete when" in dropgan(*job, "--part", "2/3").out
    assert dropgan(*job, "--part", "1/3").code == 0
    assert "complete when" not in dropgan(*job, "--part", "3/3").out
    assert dropgan("sample", "--verify", tmp_path).code == 0


def test_raw(model_file: Path) -> None:
    """A program that reads the pipe must get samples and nothing else."""
    command = [sys.executable, "-m", "dropgan.cli", "sample", str(model_file), "-n", "1500", "-o", "-"]
    answer = subprocess.run([*command, "--device", "cpu", "--seed", "4"], capture_output=True, check=True)
    expected = Generator(model_file, device="cpu").sample(1500, seed=4)
    assert answer.stdout == expected.tobytes()
    with Path("/dev/full").open("wb") as full:
        answer = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert answer.returncode == 1
    assert "error: cannot write to the pipe: No space left on device" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_closed_pipe_is_one_line(model_file: Path) -> None:
    """`dropgan sample ... -o - | head -c 100` must not end in a traceback."""
    command = [sys.executable, "-m", "dropgan.cli", "sample", str(model_file), "-n", "3000000", "-o", "-"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.buffer.read(1000)
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(timeout=300) == 1
    assert "the reader closed the pipe" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_truncated_grid_and_array(dropgan: Dropgan, model_file: Path, tmp_path: Path) -> None:
    """--truncation must act on the small outputs as it does on shards."""
    single = ("--truncation", 0.5, "--device", "cpu")
    assert dropgan("sample", model_file, "-n", 5, "-o", tmp_path / "a.npy", *single).code == 0
    expected = Generator(model_file, device="cpu").sample(5, truncation=0.5)
    assert np.array_equal(np.load(tmp_path / "a.npy"), expected)
    assert dropgan("sample", model_file, "-n", 5, "-o", tmp_path / "a.png", *single).code == 0


@pytest.mark.parametrize(
    "workers",
    [1, pytest.param(2, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_job_goes_on(workers: int, number: int, model_file: Path, tmp_path: Path) -> None:
    """Ctrl-C, a scheduler's SIGTERM, a closed terminal's SIGHUP: one line, exit 130, nothing half or lost."""
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", "dropgan.cli", "sample", str(model_file), "-n", "3000000", "-o", str(out),
        "--format", "npy", "--shard-size", "256", "--device", "cpu", "--workers", str(workers),
        "--threads", "1", "--batch-size", "128",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 300
    while len(list(out.glob("images*"))) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert (
        said.splitlines()[-1]
        == f"stopped: the shards in {out} are complete; run the same command again to continue"
    )
    assert not list(out.glob(".*"))
    named = {json.loads(line)["shard"] for line in (out / "manifest.jsonl").read_text().splitlines()}
    assert named
    assert all((out / f"images-{shard:08d}.npy").exists() for shard in named)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{model}"], 2, "-o OUT"),
        (["-o", "x"], 2, "MODEL is missing"),
        (["{model}", "-o", "x.tar"], 2, "shards go into a directory"),
        (["{model}", "-o", "x.npy", "--format", "tar"], 2, "name a directory"),
        (["{model}", "-o", "x", "--format", "raw"], 2, "raw bytes go to stdout"),
        (["{model}", "-o", "-", "--format", "npy"], 2, "raw bytes go to stdout"),
        (["{model}", "-o", "-", "--json"], 2, "would mix with the samples"),
        (["{model}", "-o", "x.npy", "--part", "1/2"], 2, "--part is for jobs"),
        (["{model}", "-o", "x.png", "--keep", "a:b"], 2, "--keep is for jobs"),
        (["{model}", "-o", "x.npy", "--truncation", "2"], 1, "truncation must be above 0"),
        (["{model}", "-o", "x", "--truncation", "0"], 1, "truncation must be above 0"),
        (["{model}", "-o", "x", "--part", "3/2"], 2, "K from 1 to N"),
        (["{model}", "-o", "x", "--part", "two"], 2, "written K/N"),
        (["{model}", "-o", "x", "--keep", "nothing_here:f"], 1, "cannot be imported"),
        (["--verify", "absent"], 1, "is not a job"),
        (["{model}", "--verify", "absent"], 2, "is used alone"),
    ],
)
def test_mistakes(
    dropgan: Dropgan,
    arguments: list[str],
    code: int,
    message: str,
    model_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mistake must be one line that says what to do, with nothing written."""
    monkeypatch.chdir(tmp_path)
    filled = [argument.replace("{model}", str(model_file)) for argument in arguments]
    answer = dropgan("sample", *filled)
    assert answer.code == code
    assert message in " ".join(answer.err.replace("│", "").split())
    assert not list(tmp_path.iterdir())


def test_labels(dropgan: Dropgan, conditional_model: Path, tmp_path: Path) -> None:
    """Who asks for a class, in a job, an array, or a grid, would get others, or a traceback."""
    model = ("sample", conditional_model, "-n", 30, "--device", "cpu", "--threads", 1, "-q")
    expected = Generator(conditional_model, device="cpu").sample(30, labels=np.arange(30) % 2 * 2)
    assert dropgan(*model, "-o", tmp_path / "x.npy", "--labels", "left,2").code == 0
    assert np.array_equal(np.load(tmp_path / "x.npy"), expected)
    assert dropgan(*model, "-o", tmp_path / "out", "--format", "npy", "--labels", "left,2").code == 0
    assert np.array_equal(np.load(tmp_path / "out" / "images-00000000.npy"), expected)
    assert dropgan(*model, "-o", tmp_path / "grid.png", "--labels", "balanced").code == 0
    answer = dropgan(*model, "-o", tmp_path / "y.npy", "--labels", "5")
    assert answer.code == 1
    assert "no class '5': use 0 to 2, or left, middle, right" in answer.err
    assert not (tmp_path / "y.npy").exists()
