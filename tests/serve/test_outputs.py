"""Where outputs may go, and what killed processes leave of them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dropgan.serve import Generator, OutputError
from dropgan.serve.atomic import atomic_file, write_bytes, write_folder
from dropgan.serve.batch import generate
from dropgan.serve.outputs import local_path, require_writable
from dropgan.serve.space import in_words
from dropgan.serve.write import write_npy, write_table

FAST = {"device": "cpu", "workers": 1, "threads": 1, "batch_size": 128}


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """A link to a shared file would become a file of its own, or the shared file be overwritten."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "nowhere").symlink_to("missing")
    for name in ("link", "nowhere"):
        for refused in (lambda path: write_bytes(path, b"new"), require_writable):
            with pytest.raises(OutputError, match=f"{name}: it is a link"):
                refused(tmp_path / name)
        assert (tmp_path / name).is_symlink()
    assert (tmp_path / "real").read_bytes() == b"old"
    assert listing(tmp_path) == {"real", "link", "nowhere"}


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """Whoever reads from it would wait for ever, and a device such as /dev/null be gone for everybody."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="it is a device, pipe or socket"):
        write_bytes(tmp_path / "pipe", b"x")
    assert (tmp_path / "pipe").is_fifo()
    with pytest.raises(OutputError, match="/dev/null: it is a device"):
        require_writable("/dev/null")
    assert listing(tmp_path) == {"pipe"}


@pytest.mark.parametrize("name", ["images-00000000.npy", "manifest.jsonl", "job.json"])
@pytest.mark.parametrize("what", ["pipe", "link"])
def test_pipes_and_links_in_a_job(name: str, what: str, model_file: Path, tmp_path: Path) -> None:
    """A job would wait for ever for a pipe, or write over what a link points to."""
    generate(model_file, tmp_path / "out", 10, **FAST)
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    place = tmp_path / "out" / name
    place.unlink()
    if what == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(other)
    with pytest.raises(OutputError):
        generate(model_file, tmp_path / "out", 10, **FAST)
    assert place.is_fifo() if what == "pipe" else place.is_symlink()
    assert other.read_bytes() == b"mine"


def test_a_lock_follows_no_link(model_file: Path, tmp_path: Path) -> None:
    """A link called .lock in a shared directory would have the file behind it emptied."""
    (tmp_path / "out").mkdir()
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out" / ".lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OutputError):
        generate(model_file, tmp_path / "out", 10, **FAST)
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("address", ["s3://bucket/x.npy", "gs://b/x", "file:///tmp/x", "HTTPS://host/x"])
def test_addresses_are_refused(
    address: str, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder called ``s3:`` on this machine is not where anybody looks for samples."""
    monkeypatch.chdir(tmp_path)
    generator = Generator(model_file, device="cpu")
    for write in (
        lambda: write_bytes(address, b"x"),
        lambda: write_bytes(Path(address), b"x"),  # of which pathlib has taken a slash
        lambda: write_folder(address, {"a": b"x"}),
        lambda: require_writable(address),
        lambda: generate(model_file, address, 10, **FAST),
        lambda: write_npy(generator, Path(address), 3, seed=0, start=0),
    ):
        with pytest.raises(OutputError, match="is an address"):
            write()
    assert not listing(tmp_path)
    assert local_path("C:/data/x.npy") == Path("C:/data/x.npy")
    assert local_path("a:b") == Path("a:b")


KILLED = """
import os, signal, sys
from pathlib import Path
from dropgan.serve.atomic import atomic_file, write_folder
if sys.argv[2] == "file":
    with atomic_file(sys.argv[1]) as file:
        file.write(bytes(10**6))
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
import dropgan.serve.atomic as atomic
def stop(path, data):
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_bytes(data)
    if Path(path).name == "b":
        os.kill(os.getpid(), signal.SIGKILL)
atomic.write_bytes = stop
write_folder(sys.argv[1], {"a": b"1", "b": b"2"})
"""


def kill(target: Path, what: str) -> None:
    """A process that is killed while it writes ``target``."""
    process = subprocess.run([sys.executable, "-c", KILLED, str(target), what], check=False)
    assert process.returncode == -signal.SIGKILL


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    """Every kill would leave a copy of the file under a hidden name until the disk is full."""
    target = tmp_path / "a.npy"
    write_bytes(target, b"old")
    for _ in range(3):
        kill(target, "file")
    (tmp_path / ".b.npy.0123abcd.tmp").write_bytes(b"another's")
    (tmp_path / ".a.npy.swp").write_bytes(b"an editor's")
    assert len(listing(tmp_path)) == 4  # each removes what the one before it left
    write_bytes(target, b"new")
    assert listing(tmp_path) == {"a.npy", ".b.npy.0123abcd.tmp", ".a.npy.swp"}
    assert target.read_bytes() == b"new"


def test_what_a_living_process_writes_stays(tmp_path: Path) -> None:
    """Two processes that write one file at the same time would take each other's work away."""
    target = tmp_path / "a"
    with atomic_file(target) as first:
        first.write(b"first")
        write_bytes(target, b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert listing(tmp_path) == {"a"}


def test_many_writers_of_one_file(tmp_path: Path) -> None:
    """A writer that tidies would now and then catch another between making its file and locking it."""
    code = """
import sys
from dropgan.serve.atomic import write_bytes
for _ in range(200):
    write_bytes(sys.argv[1], bytes(1000))
"""
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a")]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert listing(tmp_path) == {"a"}


def test_a_folder_is_whole_or_the_old_one(tmp_path: Path) -> None:
    """A site would be served half, or a kill between two renames would take the old one with it."""
    target = tmp_path / "site"
    write_folder(target, {"a": b"old"})
    kill(target, "folder")
    assert listing(target) == {"a"}
    assert len(listing(tmp_path)) == 2
    (left,) = (path for path in tmp_path.iterdir() if path != target)
    target.rename(left / "old")  # as a kill between the two renames leaves it
    with pytest.raises(OutputError):
        write_folder(target, {"a/b": b"1", "a": b"a file in the way of a folder"})
    assert (target / "a").read_bytes() == b"old"
    write_folder(target, {"a": b"new", "b/c": b"x"})
    assert (target / "a").read_bytes() == b"new"
    assert listing(tmp_path) == {"site"}


def test_a_full_disk_is_seen_first(
    model_file: Path, vector_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten trillion samples would fill the disk for hours before they failed."""
    where = {"seed": 0, "start": 0}
    for format_ in ("npy", "png", "tar", "parquet"):
        with pytest.raises(OutputError, match=r"10,000,000,000,000 samples"):
            generate(model_file, tmp_path / format_, 10**13, format=format_, **FAST)
    for format_ in ("npy", "csv", "parquet"):
        with pytest.raises(OutputError, match=r"but only .* are free"):
            generate(vector_model, tmp_path / format_, 10**14, format=format_, **FAST)
    with pytest.raises(OutputError, match=r"but only .* are free"):
        write_npy(Generator(model_file, device="cpu"), tmp_path / "a.npy", 10**13, **where)
    for name in ("a.csv", "a.parquet"):
        with pytest.raises(OutputError, match=r"rows take .*but only .* are free"):
            write_table(Generator(vector_model, device="cpu"), tmp_path / name, 10**14, **where)
    assert not listing(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=3_000_000))
    generate(model_file, tmp_path / "tar", 1000, format="tar", **FAST)  # 784 kB of pixels, less as PNG
    with pytest.raises(OutputError, match=r"but only 3\.0 MB are free"):
        generate(model_file, tmp_path / "npy", 10_000, format="npy", **FAST)


def test_bytes_in_words() -> None:
    """The message would say 0.0 PB of a small disk."""
    assert [in_words(size) for size in (0, 999, 1000, 1_500_000, 2e12, 9e18)] == [
        "0.0 bytes", "999.0 bytes", "1.0 kB", "1.5 MB", "2.0 TB", "9,000.0 PB",
    ]  # fmt: skip


def test_waits_for_nobody(tmp_path: Path) -> None:
    """Writing beside ten thousand other files would take long, if each were opened."""
    for number in range(2000):
        (tmp_path / f".x{number}.0123abcd.tmp").touch()
    begun = time.process_time()
    write_bytes(tmp_path / "a", b"x")
    assert time.process_time() - begun < 5
