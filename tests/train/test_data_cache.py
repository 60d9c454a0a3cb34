"""The cache of decoded pictures: content decides, and what is damaged is made anew."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dropgan.serve.errors import OutputError
from dropgan.serve.reporter import Reporter
from dropgan.train.data import DataOptions, load_images
from dropgan.train.data.cache import cache_directory

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for each test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dropgan" / "images"


def _pictures(folder: Path, level: int = 0, seconds: float | None = None) -> np.ndarray:
    """Four pictures in files of one size, whatever is in them, perhaps of a stated time."""
    images = np.full((4, 8, 8, 3), level, np.uint8) + np.arange(4, dtype=np.uint8)[:, None, None, None]
    for number, pixels in enumerate(images):
        path = folder / "ab"[number % 2] / f"{number}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        if seconds is not None:
            os.utime(path, (seconds, seconds))
    return images[[0, 2, 1, 3]]


def _load(folder: Path) -> tuple[np.ndarray, list[str], int]:
    """Images, what was said, and how many pictures were decoded."""
    said: list[str] = []
    decoded: list[int] = []
    reporter = Reporter(progress=lambda at: decoded.append(at.done), note=said.append)
    images = load_images(str(folder), options=DataOptions(colour="colour"), reporter=reporter).images
    return images, said, decoded[-1] if decoded else 0


def test_content_decides(tmp_path: Path) -> None:
    """A second folder of the same names, sizes and times got the first one's pixels."""
    first = _pictures(tmp_path / "first", 20, 1e9)
    second = _pictures(tmp_path / "second", 200, 1e9)
    assert np.array_equal(_load(tmp_path / "first")[0], first)
    assert np.array_equal(_load(tmp_path / "second")[0], second)
    changed = _pictures(tmp_path / "first", 90, 1e9)
    assert np.array_equal(_load(tmp_path / "first")[0], changed)
    (tmp_path / "second").rename(tmp_path / "moved")
    assert np.array_equal(_load(tmp_path / "moved")[0], second)
    assert _load(tmp_path / "moved")[2] == 0


def test_content_decides_for_tables_and_what_they_name(tmp_path: Path) -> None:
    """A picture beside a Parquet file is part of the data, and so is the column's content."""
    time_of_all = 1e9
    for level in (20, 200):
        images = _pictures(tmp_path, level)
        path = tmp_path / "table.parquet"
        rows = [{"bytes": None, "path": f"{'ab'[number % 2]}/{number}.bmp"} for number in (0, 2, 1, 3)]
        pq.write_table(pa.table({"image": rows}), path)
        for file in tmp_path.rglob("*.*"):
            os.utime(file, (time_of_all, time_of_all))
        assert np.array_equal(_load(path)[0], images)


def _flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def _rename_keys(path: Path) -> None:
    path.write_text(path.read_text().replace('"about"', '"ab0ut"'))


DAMAGE: dict[str, tuple[str, Any]] = {
    "a flipped pixel": ("npy", lambda path: _flip(path, -1)),
    "a flipped byte of the header": ("npy", lambda path: _flip(path, 30)),
    "another shape": ("npy", lambda path: np.save(path, np.load(path).reshape(4, 4, 16, 3))),
    "fewer images": ("npy", lambda path: np.save(path, np.load(path)[:3])),
    "another type": ("npy", lambda path: np.save(path, np.load(path).astype(np.float32))),
    "an empty array": ("npy", lambda path: path.write_bytes(b"")),
    "a lost end": ("npy", lambda path: path.write_bytes(path.read_bytes()[:-9])),
    "something else": ("npy", lambda path: path.write_bytes(b"PK\x03\x04 and so on")),
    "no array": ("npy", lambda path: path.unlink()),
    "a folder": ("npy", lambda path: (path.unlink(), path.mkdir(), path.rmdir())),
    "empty notes": ("json", lambda path: path.write_bytes(b"")),
    "flipped notes": ("json", lambda path: _flip(path, 40)),
    "notes of another kind": ("json", lambda path: path.write_text("[1, 2]")),
    "deep notes": ("json", lambda path: path.write_text("[" * 100_000)),
    "notes that lack a key": ("json", _rename_keys),
    "a picture said to be broken": (
        "json",
        lambda path: path.write_text(path.read_text().replace('"broken": []', '"broken": [[1, "b", "c"]]')),
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_seen_and_mended(tmp_path: Path, cache: Path, damage: str) -> None:
    """One flipped byte trained without a word, an empty file ended every later run."""
    expected = _pictures(tmp_path / "set")
    _load(tmp_path / "set")
    suffix, do = DAMAGE[damage]
    [path] = cache.glob(f"*.{suffix}")
    do(path)
    images, said, decoded = _load(tmp_path / "set")
    assert np.array_equal(images, expected)
    assert decoded == 4
    assert len(said) == 1
    assert "damaged" in said[0]
    assert _load(tmp_path / "set")[1:] == ([], 0)


def test_lost_notes_are_no_damage(tmp_path: Path, cache: Path) -> None:
    """They are written last: a process that was killed before that left a whole array."""
    expected = _pictures(tmp_path / "set")
    _load(tmp_path / "set")
    [path] = cache.glob("*.json")
    path.unlink()
    images, said, decoded = _load(tmp_path / "set")
    assert np.array_equal(images, expected)
    assert (said, decoded) == ([], 4)


def test_an_unwritable_cache_says_where_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On clusters the home directory is often read-only; the way out is an environment variable."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    _pictures(tmp_path / "set")
    with pytest.raises(OutputError, match="XDG_CACHE_HOME") as caught:
        _load(tmp_path / "set")
    assert "\n" not in str(caught.value)
    monkeypatch.delenv("XDG_CACHE_HOME")

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(OutputError, match="XDG_CACHE_HOME"):
        cache_directory()


_KILLED = """
import sys, time
from dropgan.serve.reporter import Reporter
from dropgan.train.data import load_images
def wait(progress):
    print("writing", flush=True)
    time.sleep(60)
load_images(sys.argv[1], reporter=Reporter(progress=wait))
"""


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_temporaries_of_killed_processes_go(tmp_path: Path, cache: Path) -> None:
    """158 MB were left after four kills; what a living process writes stays."""
    _pictures(tmp_path / "set")
    _pictures(tmp_path / "other", 50)

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _KILLED, str(tmp_path / "set")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        return process

    process = start()
    try:
        assert len(list(cache.glob(".*.tmp"))) == 1
        _load(tmp_path / "other")
        assert len(list(cache.glob(".*.tmp"))) == 1
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    _pictures(tmp_path / "other", 51)
    _load(tmp_path / "other")
    assert not list(cache.glob(".*.tmp"))
