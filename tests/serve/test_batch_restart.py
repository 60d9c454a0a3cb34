"""What survives crashes, damage, mistakes and other processes."""

import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import Generator, InputError, OutputError
from dropgan.serve.batch import Part, generate, verify
from dropgan.serve.batch.stages import Ahead
from dropgan.serve.providers import CUDA, load_onnxruntime, nvidia_driver

FAST = {"device": "cpu", "workers": 1, "threads": 1, "batch_size": 128}


def tree(path: Path) -> dict[str, str]:
    """Digest of every file below a directory, hidden ones included."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module", params=["npy", "png", "parquet"])
def job(request: pytest.FixtureRequest, model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """(keyword arguments of a job, digests of its undisturbed output)."""
    arguments = {"count": 700, "seed": 1, "format": request.param, "shard_size": 64, **FAST}
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    generate(model_file, out, **arguments)
    return arguments, tree(out)


def test_same_bytes_for_any_split_of_the_work(model_file: Path, tmp_path: Path, job: tuple) -> None:
    """Two machines, or two settings of speed, would write different shards for the same job."""
    arguments, undisturbed = job
    other = arguments | {"workers": 2, "batch_size": 33}
    generate(model_file, tmp_path / "out", **other)
    assert tree(tmp_path / "out") == undisturbed


def test_parts_in_any_order_join(model_file: Path, tmp_path: Path, job: tuple) -> None:
    """A job array would leave gaps, overlaps or another manifest than one run does."""
    arguments, undisturbed = job
    numbers = list(range(1, 8))
    random.Random(4).shuffle(numbers)
    for place, number in enumerate(numbers):
        report = generate(model_file, tmp_path / "out", part=f"{number}/7", **arguments)
        assert report.complete == (place == 6)
        if place < 6:
            assert any("not made" in line for line in verify(tmp_path / "out").problems)
    assert tree(tmp_path / "out") == undisturbed


def test_parts_from_several_machines_join(model_file: Path, tmp_path: Path, job: tuple) -> None:
    """Parts written to separate disks and copied together would not count as the whole job."""
    arguments, undisturbed = job
    for number in (1, 2, 3):
        generate(model_file, tmp_path / str(number), part=Part(number, 3), **arguments)
    together = tmp_path / "together"
    together.mkdir()
    for number in (3, 1, 2):
        for entry in (tmp_path / str(number)).iterdir():
            if entry.name != "job.json" or not (together / "job.json").exists():
                entry.rename(together / entry.name)
    assert verify(together).passed
    report = generate(model_file, together, **arguments)
    assert (report.made, report.complete) == (0, True)
    assert tree(together) == undisturbed


def test_restart_makes_only_what_is_missing_or_damaged(model_file: Path, tmp_path: Path, job: tuple) -> None:
    """A flipped bit, a lost shard or a manifest cut short would stay, or all would be made again."""
    arguments, undisturbed = job
    out = tmp_path / "out"
    generate(model_file, out, **arguments)
    shards = sorted(path for path in out.iterdir() if path.name.startswith("images"))
    victim = sorted(shards[2].iterdir())[5] if shards[2].is_dir() else shards[2]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    if shards[4].is_dir():
        sorted(shards[4].iterdir())[0].unlink()
    else:
        shards[4].unlink()
    manifest = (out / "manifest.jsonl").read_text()
    (out / "manifest.jsonl").write_text(manifest[:-40])
    (out / ".images-00000007.npy.whole.0123abcd.tmp").write_bytes(b"left by a killed process")
    report = verify(out)
    assert len(report.problems) == 3
    assert report.whole == report.shards - 3
    again = generate(model_file, out, **arguments)
    assert (again.made, again.found) == (3, report.shards - 3)
    assert verify(out).passed
    assert tree(out) == undisturbed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 2}, "seed is 1 there and 2 here"),
        ({"count": 701}, "count is 700 there and 701 here"),
        ({"format": "tar"}, "format is npy there and tar here"),
        ({"truncation": 0.5}, r"truncation is 1\.0 there and 0\.5 here"),
        ({"shard_size": 65}, "shard_size is 64 there and 65 here"),
    ],
)
def test_another_job_is_refused(change: dict, words: str, model_file: Path, tmp_path: Path) -> None:
    """A second job would overwrite the first, or mix with it."""
    arguments = {"count": 700, "seed": 1, "format": "npy", "shard_size": 64, **FAST}
    generate(model_file, tmp_path / "out", **arguments)
    before = tree(tmp_path / "out")
    with pytest.raises(OutputError, match=words):
        generate(model_file, tmp_path / "out", **(arguments | change))
    assert tree(tmp_path / "out") == before


def test_other_libraries_are_refused(model_file: Path, tmp_path: Path) -> None:
    """After an upgrade, or on a machine that rounds differently, a job would go on with other bytes."""
    arguments = {"count": 100, **FAST}
    generate(model_file, tmp_path / "out", **arguments)
    path = tmp_path / "out" / "job.json"
    described = json.loads(path.read_text())
    described["made_with"] |= {"onnxruntime": "1.2.3", "pixels": "0" * 16}
    path.write_text(json.dumps(described))
    with pytest.raises(OutputError, match=r"onnxruntime is 1\.2\.3 there .*pixels is 0{16} there"):
        generate(model_file, tmp_path / "out", **arguments)


def test_strange_directories_are_refused(model_file: Path, tmp_path: Path) -> None:
    """A mistyped -o would scatter shards among the user's files."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"other files \(thesis.txt\)"):
        generate(model_file, tmp_path, 10, **FAST)
    with pytest.raises(OutputError, match="is a file"):
        generate(model_file, tmp_path / "thesis.txt", 10, **FAST)
    assert tree(tmp_path).keys() == {"thesis.txt"}


def test_files_that_are_not_of_the_job_are_reported(model_file: Path, tmp_path: Path) -> None:
    """`verify` would pass an output to which somebody added a shard."""
    generate(model_file, tmp_path / "out", 10, **FAST)
    (tmp_path / "out" / "images-00000009.npy").write_bytes(b"x")
    assert verify(tmp_path / "out").problems == ("images-00000009.npy is not of the job",)


def test_filter_that_is_no_function_of_the_samples_is_found(model_file: Path, tmp_path: Path) -> None:
    """A damaged shard would silently be replaced by one with other samples."""
    keep = f"{__name__}:fickle"
    generate(model_file, tmp_path / "out", 64, keep=keep, **FAST)
    (tmp_path / "out" / "images-00000000.npy").unlink()
    with pytest.raises(OutputError, match="differs from what the manifest"):
        generate(model_file, tmp_path / "out", 64, keep=keep, **FAST)


_calls = iter(range(100))


def fickle(images: np.ndarray) -> np.ndarray:
    """A filter that depends on how often it was called."""
    return np.arange(len(images)) > next(_calls)


@pytest.mark.parametrize(
    "arguments",
    [
        {"count": 0},
        {"count": 10, "format": "jpg"},
        {"count": 10, "shard_size": 0},
        {"count": 10, "part": "0/3"},
        {"count": 10, "part": "4/3"},
        {"count": 10, "part": "half"},
        {"count": 10, "truncation": 0.0},
        {"count": 10, "truncation": float("nan")},
        {"count": 10, "seed": -1},
        {"count": 10, "start": 2**60},
        {"count": 10, "workers": 0},
        {"count": 10, "threads": 0},
        {"count": 10, "batch_size": 0},
    ],
)
def test_impossible_arguments_are_refused(arguments: dict, model_file: Path, tmp_path: Path) -> None:
    """A typing error would make an empty, endless or wrong job."""
    with pytest.raises(InputError):
        generate(model_file, tmp_path / "out", **{"device": "cpu", **arguments})
    assert not (tmp_path / "out").exists()


def test_more_parts_than_shards(model_file: Path, tmp_path: Path) -> None:
    """A job array larger than the job would fail in its empty parts."""
    reports = [
        generate(model_file, tmp_path / "out", 100, shard_size=60, part=f"{number}/5", **FAST)
        for number in (1, 2, 3, 4, 5)
    ]
    assert sum(report.made for report in reports) == 2
    assert reports[-1].complete
    assert verify(tmp_path / "out").passed


SCRIPT = """
import sys
from dropgan.serve.batch import generate
from dropgan.serve import DropganError
try:
    generate(sys.argv[1], sys.argv[2], int(sys.argv[3]), shard_size=256, format=sys.argv[4], device="cpu",
             workers=int(sys.argv[5]), threads=1, batch_size=128)
except DropganError as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(1)
"""


def start(model: Path, out: Path, count: int, format_: str = "npy", workers: int = 1, **options):
    """A process of its own that runs a job."""
    command = [sys.executable, "-c", SCRIPT, str(model), str(out), str(count), format_, str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def wait_for_shard(out: Path) -> None:
    """Wait until a job is under way."""
    deadline = time.monotonic() + 60
    while not list(out.glob("images*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_processes_on_one_output(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command started twice by mistake would corrupt the output; one must say it is taken."""
    monkeypatch.setattr("dropgan.serve.lock._PATIENCE", 0.3)
    first = start(model_file, tmp_path / "out", 3_000_000)
    try:
        wait_for_shard(tmp_path / "out")
        with pytest.raises(OutputError, match=f"another process is writing .*process {first.pid} on"):
            generate(model_file, tmp_path / "out", 3_000_000, shard_size=256, **FAST)
        with pytest.raises(OutputError, match="another process"):
            generate(model_file, tmp_path / "out", 3_000_000, shard_size=256, part="1/2", **FAST)
        assert first.poll() is None  # the one that was there first is not disturbed
    finally:
        first.kill()
        first.wait()


def test_no_space_leaves_nothing_half_valid(model_file: Path, tmp_path: Path) -> None:
    """A full disk would leave a short shard that looks whole; after more room the job must go on."""

    def limit() -> None:  # a file that may not grow stands in for a disk that is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    for workers in (1, 2):
        out = tmp_path / str(workers)
        process = start(model_file, out, 1024, workers=workers, preexec_fn=limit)
        said, _ = process.communicate()
        assert process.returncode == 1
        assert said.startswith("OutputError: cannot write")
        assert not out.exists()  # nothing was made, and nothing is left that would bind the next command
        generate(model_file, out, 1024, shard_size=256, **FAST)
        assert verify(out).passed


def test_no_permission(model_file: Path, tmp_path: Path) -> None:
    """A directory that may not be written would give a traceback."""
    if os.geteuid() == 0:
        out = Path("/proc/dropgan")  # root may write nearly anywhere
    else:
        out = tmp_path / "locked" / "out"
        out.parent.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot write"):
        generate(model_file, out, 10, **FAST)


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_job_goes_on(workers: int, model_file: Path, tmp_path: Path) -> None:
    """After a kill the output could not be completed, or not to the same bytes."""
    count = 8_192
    generate(model_file, tmp_path / "undisturbed", count, shard_size=256, **FAST)
    out = tmp_path / "out"
    process = start(model_file, out, count, workers=workers)
    wait_for_shard(out)
    process.send_signal(signal.SIGKILL)
    process.wait()
    report = generate(model_file, out, count, shard_size=256, **FAST)
    assert report.made + report.found == 32
    assert tree(out) == tree(tmp_path / "undisturbed")


def test_killed_worker_is_named(model_file: Path, tmp_path: Path) -> None:
    """A worker that the system killed would hang the job or lose its shard silently."""
    out = tmp_path / "out"
    process = start(model_file, out, 3_000_000, workers=2)
    wait_for_shard(out)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "a worker process was ended from outside" in said
    assert not list(out.glob(".*"))


def test_ahead_passes_on_errors_and_stops() -> None:
    """An error in a background stage would hang the job, or be lost."""
    closed = []

    def source():
        try:
            yield from range(3)
            raise ValueError("inside")
        finally:
            closed.append(True)

    with Ahead(source(), 1) as items:
        assert [next(items), next(items), next(items)] == [0, 1, 2]
        with pytest.raises(ValueError, match="inside"):
            next(items)
        assert list(items) == []

    with Ahead(iter(range(10**9)), 1) as items:
        assert next(items) == 0  # leaving must not wait for the rest
    assert closed


def test_the_guide_runs(model_file: Path, tmp_path: Path) -> None:
    """The program in docs/batch.md, typed as it stands, would fail."""
    text = (Path(__file__).parents[2] / "docs" / "batch.md").read_text()
    (program,) = (block.split("```")[0] for block in text.split("```python\n")[1:])
    (tmp_path / "model.onnx").write_bytes(model_file.read_bytes())
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1].startswith("3000 ")
    assert answer.stdout.endswith("True\n")


@pytest.mark.gpu
def test_job_on_cuda(model_file: Path, tmp_path: Path) -> None:
    """On a GPU, several workers on one device would write other samples than one process gives."""
    if nvidia_driver() is not None or CUDA not in load_onnxruntime().get_available_providers():
        pytest.skip("no NVIDIA GPU that onnxruntime can use")
    generate(model_file, tmp_path / "out", 5000, shard_size=1024, device="cuda", workers=2)
    shards = [np.load(path) for path in sorted((tmp_path / "out").glob("*.npy"))]
    assert np.array_equal(np.concatenate(shards), Generator(model_file, device="cuda").sample(5000))
