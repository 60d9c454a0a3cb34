"""Descriptions and manifests that somebody else wrote, commands that fail and are mended, and modules that
lie in the current directory."""

import json
import math
import os
import socket
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from dropgan.serve import Generator, InputError, MissingExtraError, MissingModelError, ModelError, OutputError
from dropgan.serve.batch import Report, generate, verify
from dropgan.serve.batch.cluster import require_answer
from dropgan.serve.batch.job import Job, Part
from dropgan.serve.batch.output import read_manifests
from dropgan.serve.errors import ClusterError
from dropgan.serve.reporter import Reporter

FAST = {"device": "cpu", "workers": 1, "threads": 1, "batch_size": 128}


def change_job(out: Path, **changes: Any) -> None:
    path = out / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_job_of_a_quadrillion_samples(model_file: Path, tmp_path: Path) -> None:
    """A count that somebody wrote into job.json would take all memory."""
    generate(model_file, tmp_path, 200, shard_size=50, **FAST)
    change_job(tmp_path, count=10**15)
    tracemalloc.start()
    report = verify(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert report.shards == 10**15 // 50
    assert report.whole == 4
    assert report.problems == (
        "images-00000004.npy to images-19999999999999.npy are not in the manifest: 19,999,999,999,996 shards"
        " were not made",
    )
    with pytest.raises(OutputError, match="count is 1000000000000000 there and 200 here"):
        generate(model_file, tmp_path, 200, shard_size=50, **FAST)


def test_shards_are_counted_without_being_made(model_file: Path, tmp_path: Path) -> None:
    """Parts of a large job would be cut in other places than those of a small one."""
    generate(model_file, tmp_path, 700, start=90, shard_size=64, **FAST)
    job = Job.from_dict(json.loads((tmp_path / "job.json").read_text()))
    whole = list(job.shards())
    assert (whole[0].start, whole[-1].stop, len(whole)) == (90, 790, len(job.shards()))
    assert job.shards().samples == 700
    parts = [job.shards(Part(index, 5)) for index in range(1, 6)]
    assert [shard for part in parts for shard in part] == whole
    assert sum(part.samples for part in parts) == 700


@pytest.mark.parametrize(
    "changes",
    [
        {"count": math.inf},
        {"count": math.nan},
        {"count": -1},
        {"count": 2.5},
        {"count": "many"},
        {"count": True},
        {"count": 2**61},
        {"shard_size": 0},
        {"shard_size": math.inf},
        {"start": -math.inf},
        {"seed": 2**64},
        {"sample_shape": [28, 28, -1]},
        {"sample_shape": 3},
        {"dtype": "O"},
        {"kind": "../../elsewhere"},
        {"format": "jpg"},
        {"format": ["npy"]},
        {"truncation": math.nan},
        {"truncation": "1"},
        {"keep": {"callable": 3, "source_sha256": None}},
        {"keep": [1]},
        {"labels": [1.5]},
        {"made_with": []},
        {"layout": 99},
        {"unknown": 1},
    ],
    ids=str,
)
def test_impossible_descriptions(changes: dict, model_file: Path, tmp_path: Path) -> None:
    """A job.json of somebody else's would end in a traceback, or never."""
    generate(model_file, tmp_path, 10, **FAST)
    change_job(tmp_path, **changes)
    with pytest.raises(OutputError, match=r"does not describe a job"):
        verify(tmp_path)
    with pytest.raises(OutputError, match=r"holds another job|cannot be read"):
        generate(model_file, tmp_path, 10, **FAST)
    assert (tmp_path / "images-00000000.npy").exists()


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        "{}",
        '{"shard": Infinity, "samples": 1, "files": []}',
        '{"shard": 0, "samples": "many", "files": [{"name": "x", "bytes": 1, "sha256": ""}]}',
        '{"shard": 0, "samples": 1, "files": [{"name": 7, "bytes": 1, "sha256": ""}]}',
        '{"shard": 0, "samples": 1, "files": {"name": "x"}}',
        '{"shard": -1, "samples": 1, "files": [{"name": "x", "bytes": 1, "sha256": ""}]}',
        '{"shard": true, "samples": 1, "files": [{"name": "x", "bytes": 1, "sha256": ""}]}',
    ],
    ids=range(8),
)
def test_impossible_manifests(line: str, model_file: Path, tmp_path: Path) -> None:
    """A manifest of somebody else's would end in a traceback; its shard must be made again."""
    generate(model_file, tmp_path, 10, **FAST)
    (tmp_path / "manifest.jsonl").write_text(line + "\n")
    assert verify(tmp_path).problems == ("images-00000000.npy is not in the manifest: it was not made",)
    assert generate(model_file, tmp_path, 10, **FAST).made == 1
    assert verify(tmp_path).passed


def test_a_filter_that_fails_binds_nobody(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a typing error in a filter the mended one would be refused as another job."""
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    (tmp_path / "mended.py").write_text("def dark(images):\n    return oops\n")
    for options in ({}, {"part": "1/2"}):
        with pytest.raises(InputError, match="filter mended:dark failed: NameError"):
            generate(model_file, out, 100, keep="mended:dark", shard_size=50, **options, **FAST)
    sys.modules.pop("mended")
    (tmp_path / "mended.py").write_text("def dark(images):\n    return images[:, 14, 14, 0] < 300\n")
    os.utime(tmp_path / "mended.py", (1, 1))  # a time of its own: Python's cache must not keep the old one
    for part in ("1/2", "2/2"):
        report = generate(model_file, out, 100, keep="mended:dark", shard_size=50, part=part, **FAST)
    assert report.complete
    assert report.samples == 50
    assert verify(out).passed
    with pytest.raises(OutputError, match="count is 100 there and 200 here"):
        generate(model_file, out, 200, keep="mended:dark", shard_size=50, **FAST)
    sys.modules.pop("mended")


@pytest.mark.parametrize("parts", [("",), ("1/2", "2/2")])
def test_a_filter_that_is_mended_after_some_shards(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: tuple[str, ...]
) -> None:
    """It failed at the fourth shard, and the mended one was refused as another job for ever."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which the current directory is added
    out, said = tmp_path / "out", []
    reporter = Reporter(note=said.append)

    def write(text: str, time: int) -> None:
        sys.modules.pop("halting", None)
        (tmp_path / "halting.py").write_text(text)
        os.utime(tmp_path / "halting.py", (time, time))

    def make(*which: str, to: Path = out) -> list[Report]:
        options = {"keep": "halting:few", "shard_size": 10, "reporter": reporter, **FAST}
        return [generate(model_file, to, 100, part=part or None, **options) for part in which]

    write(
        "calls = []\ndef few(images):\n    calls.append(1)\n"
        "    return images[:, 14, 14, 0] < (300 if len(calls) < 4 else oops)\n",
        1,
    )
    with pytest.raises(InputError, match="NameError"):
        make(*parts)
    assert 0 < len(read_manifests(out)) < 10
    made = len(read_manifests(out))
    write("def few(images):\n    return images[:, 14, 14, 0] < 300\n", 2)
    reports = make(*parts)
    assert said == [
        f"the filter halting:few has changed: {made} shards of its earlier version are made again"
    ]
    assert reports[-1].complete
    assert sum(report.samples for report in reports) == 100
    assert verify(out).passed
    make("", to=tmp_path / "alone")
    for path in (tmp_path / "alone").glob("*.npy"):
        assert (out / path.name).read_bytes() == path.read_bytes()
    write("def few(images):\n    return images[:, 14, 14, 0] < 100\n", 3)
    with pytest.raises(OutputError, match=r"keep\.source_sha256 is"):  # a finished job is nobody's mistake
        make(*parts)
    assert verify(out).passed
    sys.modules.pop("halting")


def test_a_failing_command_leaves_nothing(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Ray, --ray would leave a description that refuses the same command without it."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"dropgan\[ray\]"):
        generate(model_file, tmp_path / "out", 10, ray="auto", device="cpu")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError):
        generate(model_file, tmp_path / "out", 10, keep=f"{__name__}:failing", **FAST)
    assert not (tmp_path / "out").exists()


def failing(images: object) -> None:
    """A filter with a mistake."""
    raise KeyError("threshold")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "Connection refused"),
        (b"", "something else listens there"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "something else listens there"),
        ("silence", "timed out"),
    ],
    ids=["closed", "hangs up", "web server", "silent"],
)
def test_a_dead_cluster_is_one_line(
    answer: bytes | str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong address would be asked again and again for minutes, without a word."""
    monkeypatch.setattr("dropgan.serve.batch.cluster._PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        if answer is None:
            server.close()
        else:
            threading.Thread(target=greet, args=(server, answer), daemon=True).start()
        for place in (address, f"ray://{address}"):
            with pytest.raises(ClusterError, match=f"no Ray cluster at {place}: {words}"):
                require_answer(place)


def test_a_living_cluster_is_asked() -> None:
    """A cluster that answers would be refused."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = bytes(3) + b"\x04" + bytes(5)
        threading.Thread(target=greet, args=(server, settings), daemon=True).start()
        require_answer(f"127.0.0.1:{server.getsockname()[1]}")
    for left_to_ray in ("auto", "local", "", "nonsense"):
        require_answer(left_to_ray)


def greet(server: socket.socket, answer: bytes | str) -> None:
    """Answer whoever connects; with a text, never."""
    connections = []
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        connections.append(connection)
        if isinstance(answer, bytes):
            connection.recv(100)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)


def test_ray_at_a_dead_address(model_file: Path, tmp_path: Path) -> None:
    """With Ray installed the command would wait for minutes, or leave the description of a job."""
    pytest.importorskip("ray", reason="needs Ray")
    with pytest.raises(ClusterError, match=r"no Ray cluster at 127\.0\.0\.1:9: Connection refused"):
        generate(model_file, tmp_path / "out", 10, ray="127.0.0.1:9", device="cpu")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["json", "numpy", "onnxruntime", "dropgan", "signal", "deflate"])
def test_workers_import_nothing_from_here(name: str, model_file: Path, tmp_path: Path) -> None:
    """Whoever can write into the directory a job is started in could run code of his in its workers."""
    (tmp_path / f"{name}.py").write_text("open('ran', 'w').close()\nraise SystemExit('a stranger ran')\n")
    code = (
        "import sys; sys.path[:] = [place for place in sys.path if place]\n"
        "import deflate, onnxruntime\n"
        "from dropgan.serve.batch import generate\n"
        "sys.path.insert(0, '')\n"
        f"print(generate({str(model_file)!r}, 'out', 600, format='png', shard_size=100, device='cpu',"
        " workers=2, threads=1, batch_size=128).complete)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.stdout == "True\n", answer.stderr
    assert not (tmp_path / "ran").exists()


def test_a_filter_beside_a_stranger(model_file: Path, tmp_path: Path) -> None:
    """With --keep the current directory counts, but never before Python's own modules."""
    (tmp_path / "json.py").write_text("open('ran', 'w').close()\n")
    (tmp_path / "mine.py").write_text("import json\ndef some(images):\n    return images[:, 0, 0, 0] >= 0\n")
    command = [sys.executable, "-P", "-m", "dropgan.cli", "sample", str(model_file), "-o"]
    options = [
        "-n", "600", "--keep", "mine:some", "--format", "npy", "--shard-size", "100", "--device", "cpu",
        "--threads", "1",
    ]  # fmt: skip
    for workers in (1, 2):
        answer = subprocess.run(
            [*command, f"out{workers}", *options, "--workers", str(workers)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
    assert not (tmp_path / "ran").exists()


def test_a_missing_model_is_a_missing_file(tmp_path: Path) -> None:
    """Programs that wait for a model to appear catch FileNotFoundError."""
    for error in (FileNotFoundError, ModelError, MissingModelError):
        with pytest.raises(error, match=r"there is no model file .*m\.onnx") as caught:
            Generator(tmp_path / "m.onnx")
        assert getattr(caught.value, "errno", None) == 2


@pytest.mark.parametrize(
    "wrong", [{"count": "3"}, {"count": 2.0}, {"seed": b"1"}, {"start": None}, {"seed": 1.5}]
)
def test_numbers_that_are_none(
    wrong: dict, model_file: Path, conditional_model: Path, tmp_path: Path
) -> None:
    """A text where a number belongs would be a bare TypeError from within."""
    arguments = {"count": 3, "seed": 0, "start": 0, **wrong}
    for path in (model_file, conditional_model):
        generator = Generator(path, device="cpu")
        for call in (generator.sample, generator.stream, generator.latents, generator.draw):
            with pytest.raises(InputError, match="must be a whole number, not"):
                call(**arguments)
    with pytest.raises(InputError, match="must be a whole number, not"):
        generate(model_file, tmp_path / "out", **arguments, **FAST)
    assert not (tmp_path / "out").exists()


def test_too_many_threads(model_file: Path, tmp_path: Path) -> None:
    """A hundred thousand threads end the process; as many workers, the machine."""
    with pytest.raises(InputError, match="threads must be 1 to"):
        Generator(model_file, threads=100_000)
    with pytest.raises(InputError, match="workers must be 1 to"):
        generate(model_file, tmp_path / "out", 10, workers=100_000, device="cpu")
