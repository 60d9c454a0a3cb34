"""Pictures of 16 bits a channel: scaled by the depth of the set, whatever holds them."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dropgan.serve.reporter import Reporter
from dropgan.train.data import DataOptions, load_images

RANDOM = np.random.default_rng(0)
GREY, TRANSPARENT, COLOUR, WITH_ALPHA, CMYK = 0, 4, 2, 6, 5


def png16(values: np.ndarray, kind: int = GREY, clear: tuple[int, ...] = ()) -> bytes:
    """A PNG of 16 bits a channel, which Pillow writes only for grey; ``clear`` is a tRNS chunk."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    height, width = values.shape[:2]
    lines = values.astype(">u2").reshape(height, -1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
        + (chunk(b"tRNS", struct.pack(f">{len(clear)}H", *clear)) if clear else b"")
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + line.tobytes() for line in lines)))
        + chunk(b"IEND", b"")
    )


def tiff16(
    values: np.ndarray, photometric: int, order: str = "<", orientation: int = 1, *, planes: bool = False
) -> bytes:
    """An uncompressed TIFF of 16 bits a channel; ``planes`` lays each channel apart."""
    height, width = values.shape[:2]
    channels = 1 if values.ndim == 2 else values.shape[2]
    size = height * width * 2 * (1 if planes else channels)
    parts = channels if planes else 1
    entries = [
        (256, 4, [width]), (257, 4, [height]), (258, 3, [16] * channels), (259, 3, [1]),
        (262, 3, [photometric]), (273, 4, []), (274, 3, [orientation]), (277, 3, [channels]),
        (278, 4, [height]), (279, 4, [size] * parts), (284, 3, [2 if planes else 1]),
    ]  # fmt: skip
    beside = b""
    start = 8 + 2 + 12 * len(entries) + 4
    data_start = start + 64
    entries[5] = (273, 4, [data_start + size * part for part in range(parts)])
    table = b""
    for tag, kind, numbers in entries:
        content = struct.pack(f"{order}{len(numbers)}{'HI'[kind == 4]}", *numbers)
        if len(content) > 4:
            content, beside = struct.pack(f"{order}I", start + len(beside)), beside + content
        table += struct.pack(f"{order}HHI", tag, kind, len(numbers)) + content.ljust(4, b"\0")
    order_mark = b"II*\0" if order == "<" else b"MM\0*"
    head = order_mark + struct.pack(f"{order}IH", 8, len(entries)) + table + bytes(4)
    laid = np.moveaxis(values, 2, 0) if planes else values
    return head + beside.ljust(64, b"\0") + laid.astype(f"{order}u2").tobytes()


def _set(folder: Path, suffix: str, contents: list[bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, content in enumerate(contents):
        (folder / f"{number}{suffix}").write_bytes(content)
    return folder


def _values(bits: int, channels: int = 1) -> np.ndarray:
    shape = (3, 8, 8) if channels == 1 else (3, 8, 8, channels)
    values = RANDOM.integers(0, 2**bits, shape)
    values[0, 0, 0], values[0, 0, 1] = 2**bits - 1, 0
    return values


def _scaled(values: np.ndarray, bits: int) -> np.ndarray:
    return np.round(values * 255.0 / (2**bits - 1))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_grey_is_scaled_by_the_depth_of_the_set(tmp_path: Path, bits: int) -> None:
    """12-bit scans kept in 16 bits trained a generator of black images; 16 bits stay what they are."""
    values = _values(bits)
    for suffix, make in (
        (".png", png16),
        (".tif", lambda one: tiff16(one, 1)),
        (".tiff", lambda one: tiff16(one, 1, ">")),
        (".tif", _compressed),
    ):
        folder = _set(
            tmp_path / f"{suffix[1:]}{len(list(tmp_path.iterdir()))}", suffix, [make(v) for v in values]
        )
        for _ in range(2):  # decoded, and from the cache
            said: list[str] = []
            images = load_images(str(folder), reporter=Reporter(note=said.append)).images[..., 0]
            assert np.abs(images - _scaled(values, bits)).max() <= 1
            assert len(said) == (bits < 16)
            assert bits == 16 or f"read as pictures of {bits} bits" in said[0]


def _compressed(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(file, "TIFF", compression="tiff_lzw")
    return file.getvalue()


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("kind", ["png", "tiff", "tiff of the other byte order"])
def test_colour_has_all_its_bits(tmp_path: Path, kind: str, bits: int) -> None:
    """Pillow gives the upper bytes of 16-bit colour, 16 levels of a 12-bit photograph."""
    values = _values(bits, 3)
    make = {
        "png": lambda one: png16(one, COLOUR),
        "tiff": lambda one: tiff16(one, 2),
        "tiff of the other byte order": lambda one: tiff16(one, 2, ">"),
    }[kind]
    folder = _set(tmp_path / "set", ".png" if kind == "png" else ".tif", [make(one) for one in values])
    assert np.abs(load_images(str(folder)).images - _scaled(values, bits)).max() <= 1


@pytest.mark.parametrize("bits", [12, 16])
def test_transparency_of_16_bits_lies_on_white(tmp_path: Path, bits: int) -> None:
    """Grey and colour, by a channel or by one value that is clear; a clear value counts for no depth."""
    grey, colour = _values(bits), _values(bits, 3)
    alpha = np.zeros((8, 8), np.int64)
    alpha[:4] = 65535
    clear = 2**16 - 1 if bits < 16 else 77
    marked = grey.copy()
    marked[:, 4:] = clear
    coloured = colour.copy()
    coloured[:, 4:] = (clear, 5, 6)
    for name, contents, expected in (
        ("channel", [png16(np.dstack([one, alpha]), TRANSPARENT) for one in grey], grey[..., None]),
        ("value", [png16(one, GREY, (clear,)) for one in marked], grey[..., None]),
        ("colour channel", [png16(np.dstack([one, alpha]), WITH_ALPHA) for one in colour], colour),
        ("colour value", [png16(one, COLOUR, (clear, 5, 6)) for one in coloured], colour),
    ):
        images = load_images(str(_set(tmp_path / name, ".png", contents))).images
        assert (images[:, 4:] == 255).all(), name
        assert np.abs(images[:, :4] - _scaled(expected, bits)[:, :4]).max() <= 1, name


def test_black_and_white_are_not_exchanged(tmp_path: Path) -> None:
    """A TIFF may say that 0 is white; Pillow heeds it in 8 bits alone."""
    values = _values(12)
    folder = _set(tmp_path / "film", ".tif", [tiff16(one, 0) for one in values])
    assert np.abs(load_images(str(folder)).images[..., 0] - (255 - _scaled(values, 12))).max() <= 1


def test_a_stated_range_is_kept(tmp_path: Path) -> None:
    """A PGM says what white is and a TIFF may be of 12 bits, so a dark one stays dark."""
    values = _values(12) // 4
    pgm = [b"P5\n8 8\n4095\n" + one.astype(">u2").tobytes() for one in values]
    for suffix, contents in ((".pgm", pgm), (".tif", [_twelve_bits(one) for one in values])):
        images = load_images(str(_set(tmp_path / suffix[1:], suffix, contents))).images[..., 0]
        assert np.abs(images - _scaled(values, 12)).max() <= 1


def _twelve_bits(values: np.ndarray) -> bytes:
    """A TIFF of two grey values in three bytes."""
    one, two = values.reshape(-1, 2).T
    packed = np.stack([one >> 4, (one & 15) << 4 | two >> 8, two & 255], -1).astype(np.uint8).tobytes()
    whole = tiff16(values, 1)
    return (
        whole.replace(struct.pack("<HHIH", 258, 3, 1, 16), struct.pack("<HHIH", 258, 3, 1, 12))[:-128]
        + packed
    )


def test_orientation_and_planes(tmp_path: Path) -> None:
    """A 16-bit TIFF is turned as it says; channels in planes, which Pillow mixes up, are refused."""
    values = _values(16, 3)
    turned = load_images(
        str(_set(tmp_path / "turned", ".tif", [tiff16(v, 2, "<", 6) for v in values]))
    ).images
    assert np.abs(turned - np.rot90(_scaled(values, 16), -1, (1, 2))).max() <= 1
    contents = [tiff16(values[0], 2), tiff16(values[1], 2, planes=True), tiff16(values[2], 2)]
    said: list[str] = []
    planes = load_images(
        str(_set(tmp_path / "planes", ".tif", contents)), reporter=Reporter(note=said.append)
    )
    assert len(planes) == 2
    assert "1.tif (16-bit channels in separate planes are not supported)" in said[0]


def test_cmyk_and_pictures_in_memory(tmp_path: Path) -> None:
    """Print pictures and opened pictures follow the same rule."""
    ink = _values(12, 4)
    ink[..., 3] = 0
    images = load_images(str(_set(tmp_path / "ink", ".tif", [tiff16(one, CMYK) for one in ink]))).images
    assert np.abs(images - (255 - _scaled(ink, 12)[..., :3])).max() <= 1
    grey = _values(10)
    opened: list[Any] = [Image.open(io.BytesIO(png16(one))) for one in grey]
    said: list[str] = []
    images = load_images(opened, reporter=Reporter(note=said.append)).images
    assert np.abs(images[..., 0] - _scaled(grey, 10)).max() <= 1
    assert "10 bits" in said[0]
    colour = _values(12, 3)
    opened = [Image.open(io.BytesIO(png16(one, COLOUR))) for one in colour]
    assert np.abs(load_images(opened).images - _scaled(colour, 12)).max() <= 1


def test_sizes_and_mixed_sets(tmp_path: Path) -> None:
    """Pictures of 8 bits beside those of 16 keep their values; a size is given after the scaling."""
    values = np.full((2, 8, 8), 2048)
    values[0, 0, 0] = 4095
    folder = _set(tmp_path / "mixed", ".png", [png16(one) for one in values])
    Image.fromarray(np.full((8, 8), 40, np.uint8)).save(folder / "eight.png")
    images = load_images(str(folder), options=DataOptions(size=4)).images
    assert images[1].tolist() == np.full((4, 4, 1), 128).tolist()
    assert (images[2] == 40).all()
