"""Files that are complete or not there, pictures, and what importing the runtime loads."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropgan.serve import InputError, OutputError
from dropgan.serve.atomic import atomic_file, write_bytes
from dropgan.serve.pictures import encode_png, grid


def test_failure_leaves_the_old_file(tmp_path: Path) -> None:
    """A crash while writing must not take the last good file with it."""
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with pytest.raises(RuntimeError), atomic_file(path) as file:  # noqa: PT012
        file.write(b"half of the n")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_one_line(tmp_path: Path) -> None:
    """The operating system's own words, the file's name, nothing left behind."""
    with (
        pytest.raises(OutputError, match=r"cannot write .*file: No space left"),
        atomic_file(tmp_path / "file"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.iterdir())


def test_ordinary_permissions_and_parents(tmp_path: Path) -> None:
    """Temporary files are private; what becomes of them must be readable by a web server."""
    path = tmp_path / "a" / "b" / "file"
    write_bytes(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) & 0o044 == 0o044 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_file_in_the_way_of_a_directory(tmp_path: Path) -> None:
    """No traceback for a typo in a path."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(tmp_path / "file" / "below", b"x")


def test_grid_places_images_row_by_row() -> None:
    """A transposed grid would show samples in another order than their indices."""
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1) * np.ones((1, 2, 3, 1), np.uint8)
    picture = grid(images, columns=2, gap=1)
    assert picture.shape == (3 * 3 + 1, 2 * 4 + 1, 1)
    assert [picture[1 + 3 * row, 1 + 4 * column, 0] for row in range(3) for column in range(2)] == [
        0, 1, 2, 3, 4, 255,
    ]  # fmt: skip
    assert grid(images, scale=3).shape[0] == 3 * grid(images).shape[0]
    with pytest.raises(InputError):
        grid(images[:0])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_gives_the_pixels_back(tmp_path: Path, channels: int) -> None:
    """Lossless, whatever the channels."""
    image = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    (tmp_path / "image.png").write_bytes(encode_png(image))
    back = np.asarray(Image.open(tmp_path / "image.png")).reshape(image.shape)
    assert np.array_equal(back, image)


def test_importing_the_runtime_is_light() -> None:
    """An application pays for numpy and onnxruntime, for nothing else of dropgan's."""
    heavy = ("torch", "onnx", "typer", "pydantic", "PIL", "rich", "dropgan.train", "dropgan.export")
    code = f"import sys, dropgan.serve; print([m for m in {heavy!r} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
