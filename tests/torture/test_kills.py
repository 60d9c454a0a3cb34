"""kill -9 at random moments: what is there is whole, and the same command ends as if nothing had been."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from safetensors import safe_open

from .arena import Outcome, finish, program, require_civil, start
from .conftest import Cases, Chance, Figures, Good

STEPS = 1500
TRAINING = (
    "--recipe=mlp", "--device=cpu", "--precision=fp32", "--threads=1", "--set", "training.batch_size=8",
    "--set", "generator.latent_dim=8", "--set", "generator.hidden=[16]", "--set", "discriminator.hidden=[16]",
    "--set", "output.log_interval=100", "--set", "output.sample_interval=300",
    "--set", "output.checkpoint_interval=100", f"--steps={STEPS}", "--no-score",
)  # fmt: skip


def _weights(path: Path) -> str:
    digest = hashlib.sha256()
    with safe_open(path, framework="np") as file:
        for name in sorted(file.keys()):
            digest.update(name.encode() + file.get_tensor(name).tobytes())
    return digest.hexdigest()


def _kill(process: "subprocess.Popen[str]", after: float, number: int = signal.SIGKILL) -> bool:
    """Kill a command and all it started after some seconds; whether it was still at work."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number)
        process.communicate()
        return True
    process.communicate()
    return False


def _shards(job: Path) -> dict[str, bytes]:
    """What is in a job but for its lock, and for its manifest, whose lines come in any order."""
    files = [path for path in job.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(job)): path.read_bytes()
        for path in files
        if path.name != "manifest.jsonl" and not path.name.endswith("lock")
    }


def _temporaries(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob(".*.tmp*")]


def _seconds(outcome: Outcome) -> float:
    return max(outcome.seconds, 1.0)


@pytest.mark.share(0.12)
def test_a_training_is_killed(
    good: Good, tmp_path: Path, chance: Chance, cases: Cases, figures: Figures
) -> None:
    """The weights are those of the run that was left alone, and no temporary file stays."""
    train = ["train", "--data", good.arrays, "-o"]
    whole = finish(start(*train, "whole", *TRAINING, folder=tmp_path), 300)
    assert whole.code == 0, whole
    draw = chance("training")
    killed = 0

    def command() -> list[object]:
        if (tmp_path / "parts" / "recipe.toml").exists():
            return ["train", "--resume", "-o", "parts", "--no-score"]
        return [*train, "parts", *TRAINING]

    for _ in cases(14):
        number = draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
        if not _kill(start(*command(), folder=tmp_path), draw.uniform(0.2, 0.9 * _seconds(whole)), number):
            break
        killed += 1
    last = finish(start(*command(), folder=tmp_path), 300)
    assert last.code == 0, last
    name = Path("checkpoints") / "last.safetensors"
    assert _weights(tmp_path / "parts" / name) == _weights(tmp_path / "whole" / name)
    assert not _temporaries(tmp_path / "parts")
    assert killed, "the training ended before it was killed"
    figures.count("kills", "of trainings", killed)


@pytest.mark.share(0.03)
@pytest.mark.parametrize("kind", ["npy", "png", "tar", "parquet"])
def test_a_job_is_killed(
    good: Good, tmp_path: Path, chance: Chance, cases: Cases, figures: Figures, kind: str
) -> None:
    """Every shard as one process would have written it, in the directory nothing else."""
    count = 3000 if kind == "png" else 30000
    job = ["sample", good.model, "-n", count, "--shard-size", count // 10, "--format", kind,
           "--workers", 2, "--threads", 1, "--batch-size", 64]  # fmt: skip
    whole = finish(start(*job, "-o", "whole", folder=tmp_path), 300)
    assert whole.code == 0, whole
    draw = chance(kind)
    killed = 0
    for _ in cases(6):
        if not _kill(start(*job, "-o", "parts", folder=tmp_path), draw.uniform(0.2, 0.9 * _seconds(whole))):
            break
        killed += 1
    last = finish(start(*job, "-o", "parts", folder=tmp_path), 300)
    assert last.code == 0, last
    assert _shards(tmp_path / "parts") == _shards(tmp_path / "whole")
    assert not _temporaries(tmp_path)
    assert finish(start("sample", "--verify", "parts", folder=tmp_path)).code == 0
    figures.count("kills", "of jobs", killed)


@pytest.mark.share(0.02)
@pytest.mark.parametrize("what", ["export", "package", "array", "report"])
def test_a_writer_of_one_file_is_killed(
    good: Good, tmp_path: Path, chance: Chance, cases: Cases, figures: Figures, what: str
) -> None:
    """The old file or the new one; the next command sweeps up what the dead one left."""
    commands: dict[str, tuple[list[object], str]] = {
        "export": (["export", good.run, "-o", "out/m.onnx", "--no-score"], "m.onnx"),
        "package": (["package", good.model, "-o", "out", "--name", "x-gan", "--license", "MIT"], "x_gan"),
        "array": (["sample", good.model, "-o", "out/x.npy", "-n", 100_000], "x.npy"),
        "report": (["evaluate", good.model, "--data", good.archive, "--features", good.features,
                    "-n", 60, "--report", "out/r.html"], "r.html"),
    }  # fmt: skip
    command, _ = commands[what]
    first = finish(start(*command, folder=tmp_path), 300)
    assert first.code == 0, first
    right = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    draw = chance(what)
    killed = 0
    for _ in cases(6):
        shutil.rmtree(tmp_path / "out")
        (tmp_path / "out").mkdir()
        killed += _kill(start(*command, folder=tmp_path), draw.uniform(0.1, _seconds(first)))
        for path in (tmp_path / "out").iterdir():
            if not path.name.startswith("."):
                assert path.read_bytes() == right[path.name] or what == "report", path.name
    again = finish(start(*command, folder=tmp_path), 300)
    assert again.code == 0, again
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(right)
    figures.count("kills", f"of {what}", killed)


@pytest.mark.parametrize("what", ["train", "export", "array", "job", "report", "package"])
def test_the_disk_is_full(good: Good, tmp_path: Path, figures: Figures, what: str) -> None:
    """One line, and what was there before is still there: no half file under a final name."""
    commands: dict[str, list[object]] = {
        "train": ["train", "--data", good.arrays, "-o", "full/run", *TRAINING],
        "export": ["export", good.run, "-o", "full/m.onnx", "--no-score"],
        "array": ["sample", good.model, "-o", "full/x.npy", "-n", 2000],
        "job": ["sample", good.model, "-o", "full/job", "-n", 2000, "--format", "npy", "--workers", 1],
        "report": ["evaluate", good.model, "--data", good.archive, "--features", good.features,
                   "-n", 60, "--report", "full/r.html"],
        "package": ["package", good.model, "-o", "full/dist", "--name", "x-gan", "--license", "MIT"],
    }  # fmt: skip
    (tmp_path / "full").mkdir()
    isolated = ["unshare", "--user", "--map-root-user", "--mount"]
    script = 'mount -t tmpfs -o size=16k none full && "$@"; code=$?; ls -A full/* >listing; exit $code'
    answer = subprocess.run(
        [*isolated, "sh", "-c", script, "sh", *program(*commands[what])],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if "unshare" in answer.stderr or "mount:" in answer.stderr:
        pytest.skip("no mounts of one's own here")
    outcome = Outcome(tuple(map(str, commands[what])), answer.returncode, answer.stdout, answer.stderr, 0)
    require_civil(outcome)
    assert outcome.code == 1, outcome
    assert re.search("No space left|are free at", outcome.err), outcome
    assert ".tmp" not in (tmp_path / "listing").read_text()
    figures.count("kills", "full disks")
