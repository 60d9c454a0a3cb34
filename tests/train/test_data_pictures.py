"""Folders of pictures: every kind is read, by the stated rule, and what is broken is named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropgan.serve.errors import InputError
from dropgan.serve.reporter import Reporter
from dropgan.train.data import DataError, DataOptions, load_images
from dropgan.train.data.cache import cache_directory

RANDOM = np.random.default_rng(0)


def _noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, channels), dtype=np.uint8)


def _save(folder: Path, name: str, pixels: np.ndarray) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(path)
    return path


def test_a_plain_folder_keeps_pixels_and_order(tmp_path: Path) -> None:
    """Pictures of one size need no --size and lose nothing; the order is that of their names."""
    made = [_noise(9, 12) for _ in range(4)]
    for number, pixels in zip((2, 0, 3, 1), made, strict=True):
        _save(tmp_path, f"{number}.png", pixels)
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".thumbnail.png").write_bytes(b"hidden")
    data = load_images(str(tmp_path))
    assert np.array_equal(data.images, np.stack([made[1], made[3], made[0], made[2]]))
    assert data.labels is None
    assert data.name == tmp_path.name


def test_subfolders_are_classes(tmp_path: Path) -> None:
    """A class a folder, as everybody keeps labelled pictures, further folders below them allowed."""
    for name in ("dog/1.png", "cat/1.png", "cat/more/2.png", "emu/1.png"):
        _save(tmp_path, name, _noise(8, 8))
    data = load_images(str(tmp_path))
    assert data.class_names == ("cat", "dog", "emu")
    assert data.labels is not None
    assert data.labels.tolist() == [0, 0, 1, 2]
    _save(tmp_path, "loose.png", _noise(8, 8))
    assert load_images(str(tmp_path)).labels is None


def test_grey_only_where_all_are(tmp_path: Path) -> None:
    """Grey scans saved as RGB train a one-channel model; one colour picture makes all of them RGB."""
    grey = np.repeat(_noise(8, 8, 1), 3, axis=2)
    _save(tmp_path, "a.png", grey)
    _save(tmp_path, "b.png", _noise(8, 8, 1))
    data = load_images(str(tmp_path))
    assert data.images.shape == (2, 8, 8, 1)
    assert np.array_equal(data.images[0], grey[..., :1])
    assert load_images(str(tmp_path), options=DataOptions(colour="colour")).images.shape == (2, 8, 8, 3)
    colour = _noise(8, 8)
    _save(tmp_path, "c.png", colour)
    assert np.array_equal(load_images(str(tmp_path)).images[2], colour)
    luma = load_images(str(tmp_path), options=DataOptions(colour="grey")).images[2, ..., 0]
    assert np.abs(luma - colour @ [0.299, 0.587, 0.114]).max() <= 1


def test_modes(tmp_path: Path) -> None:
    """Transparency lies on white, 16 bits become 8, palettes and CMYK become the colours they mean."""
    clear = np.zeros((8, 8, 4), np.uint8)
    clear[:4] = (255, 0, 0, 255)
    Image.fromarray(clear).save(tmp_path / "alpha.png")
    deep = Image.fromarray(np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8))
    deep.save(tmp_path / "deep.png")
    deep.save(tmp_path / "deep.tif")
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 0, 255, 0])
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "palette_clear.gif", transparency=1)
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(tmp_path / "print.jpg", quality=100)
    Image.new("1", (8, 8), 1).save(tmp_path / "two.png")
    Image.new("LA", (8, 8), (0, 128)).save(tmp_path / "veil.png")
    names = sorted(path.name for path in tmp_path.iterdir())
    found = dict(zip(names, load_images(str(tmp_path)).images.astype(int), strict=True))
    assert found["alpha.png"][0, 0].tolist() == [255, 0, 0]
    assert found["alpha.png"][7, 7].tolist() == [255, 255, 255]
    expected = np.round(np.linspace(0, 255, 64)).reshape(8, 8)
    for name in ("deep.png", "deep.tif"):
        assert np.abs(found[name][..., 0] - expected).max() <= 1
    assert found["palette.png"][0, 0].tolist() == [0, 255, 0]
    assert found["palette_clear.gif"][0, 0].tolist() == [255, 255, 255]
    assert found["print.jpg"][4, 4] == pytest.approx([0, 255, 255], abs=6)
    assert found["two.png"][0, 0].tolist() == [255, 255, 255]
    assert found["veil.png"][0, 0, 0] in (127, 128)


def test_exif_orientation(tmp_path: Path) -> None:
    """Pictures of a telephone held upright are stored lying; a generator should not learn that."""
    image = Image.fromarray(np.vstack([np.full((4, 8), 255, np.uint8), np.zeros((4, 8), np.uint8)]))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right to see it
    image.save(tmp_path / "a.jpg", exif=exif, quality=100)
    image.save(tmp_path / "b.jpg", quality=100)
    turned, plain = load_images(str(tmp_path)).images[..., 0]
    assert plain[0].mean() > 200 > 50 > plain[-1].mean()
    assert turned[:, -1].mean() > 200 > 50 > turned[:, 0].mean()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 16, 33, 128])
def test_every_size(tmp_path: Path, size: int, channels: int) -> None:
    """Wide, tall, small and large pictures together, made squares of 8 to 128 pixels."""
    for number, (height, width) in enumerate([(40, 90), (200, 31), (5, 5), (64, 64)]):
        _save(tmp_path, f"{number}.png", _noise(height, width, channels))
    data = load_images(str(tmp_path), options=DataOptions(size=size))
    assert data.images.shape == (4, size, size, channels)


def test_resizing_is_antialiased_and_cuts_the_middle(tmp_path: Path) -> None:
    """Fine stripes become grey, not coarse stripes; the sides of a wide picture are cut off evenly."""
    stripes = np.zeros((90, 270, 1), np.uint8)
    stripes[:, ::2] = 255
    stripes[:, :80], stripes[:, -80:] = 0, 255
    _save(tmp_path, "png.png", stripes)
    large = Image.fromarray(_noise(20, 60)).resize((2700, 900), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg", quality=95)
    large.save(tmp_path / "large.png")
    images = load_images(str(tmp_path), options=DataOptions(size=9)).images.astype(int)
    assert np.abs(images[2, :, 1:-1] - 128).max() <= 4
    reduced, exact, _ = load_images(str(tmp_path), options=DataOptions(size=90)).images.astype(int)
    assert np.abs(exact - reduced).mean() < 2  # a JPEG's own decoder makes it smaller first
    middle = np.asarray(large.crop((900, 0, 1800, 900)).resize((90, 90), Image.Resampling.LANCZOS))
    assert np.abs(exact - middle).mean() < 1


def test_broken_pictures_are_named_and_left_out(tmp_path: Path) -> None:
    """One bad download in a thousand must not stop the training, nor go unnoticed."""
    for number in range(8):
        _save(tmp_path, f"{'ab'[number % 2]}/{number}.png", _noise(8, 8))
    (tmp_path / "a/2.png").write_bytes(b"<html>404</html>")
    content = (tmp_path / "b/5.png").read_bytes()
    (tmp_path / "b/5.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "b/empty.png").write_bytes(b"")
    for _ in range(2):  # decoded, and again from the cache
        said: list[str] = []
        data = load_images(str(tmp_path), reporter=Reporter(note=said.append))
        assert len(data.images) == 6
        assert data.labels is not None
        assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert "3 of 9 images cannot be read" in said[0]
        assert all(name in said[0] for name in ("a/2.png", "b/5.png", "b/empty.png", "left out"))
        assert "\n" not in said[0]
        with pytest.raises(DataError, match="strict"):
            load_images(str(tmp_path), options=DataOptions(strict=True))


def test_a_bomb_is_a_broken_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file of a giant picture must not take the memory."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for name in ("a.png", "b.png"):
        _save(tmp_path, name, _noise(8, 8))
    _save(tmp_path, "bomb.png", _noise(60, 60))
    assert len(load_images(str(tmp_path)).images) == 2


def test_the_first_frame_of_several(tmp_path: Path) -> None:
    """A stack of a microscope in one TIFF lost all pages but one without a word."""
    frames = [Image.fromarray(_noise(8, 8)) for _ in range(3)]
    for name in ("a.tif", "b.gif", "c.png", "d.webp"):
        more = {"lossless": True} if name == "d.webp" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **more)
    _save(tmp_path, "e.png", _noise(8, 8))
    _save(tmp_path, "f.gif", _noise(8, 8))
    for _ in range(2):  # decoded, and from the cache
        said: list[str] = []
        images = load_images(str(tmp_path), reporter=Reporter(note=said.append)).images
        for place in (0, 2, 3):
            assert np.array_equal(images[place], np.asarray(frames[0]))
        assert said == [f"{tmp_path.name}: 4 pictures have several frames or pages: only the first is used"]


def test_only_the_formats_that_are_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An EPS that is called .png started Ghostscript, a program for a language of its own."""
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    tools, mark = tmp_path / "tools", tmp_path / "started"
    tools.mkdir()
    (tools / "gs").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (tools / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # looked for anew
    folder = tmp_path / "pictures"
    for name in ("a.png", "b.png"):
        _save(folder, name, _noise(8, 8))
    (folder / "c.png").write_bytes(eps)
    said: list[str] = []
    assert len(load_images(str(folder), reporter=Reporter(note=said.append))) == 2
    assert "c.png (not a picture of a known format)" in said[0]
    assert not mark.exists()


def test_every_named_format_is_read(tmp_path: Path) -> None:
    """What docs/data.md lists is decoded, whatever the case of the suffix."""
    from PIL import features

    formats = ["bmp", "gif", "JPEG", "jpg", "jp2", "PNG", "pgm", "ppm", "tga", "tif", "TIFF", "webp"]
    if features.check("avif"):
        formats.append("avif")
    for number, suffix in enumerate(formats):
        pixels = np.full((8, 8, 1 if suffix == "pgm" else 3), 10 * number + 5, np.uint8)
        _save(tmp_path, f"{number:02}.{suffix}", pixels)
    images = load_images(str(tmp_path)).images
    assert [round(level / 10 - 0.5) for level in images.mean((1, 2, 3)).tolist()] == list(range(len(formats)))


def test_unfit_folders(tmp_path: Path) -> None:
    """No pictures, pictures of several sizes, one, broken, equal or tiny ones: one line each."""
    with pytest.raises(DataError, match="has no pictures"):
        load_images(str(tmp_path))
    _save(tmp_path, "a.png", _noise(8, 8))
    with pytest.raises(DataError, match="at least 2"):
        load_images(str(tmp_path))
    _save(tmp_path, "b.png", _noise(8, 9))
    with pytest.raises(DataError, match=r"a\.png is 8x8, b\.png is 9x8.*--size"):
        load_images(str(tmp_path))
    for path in tmp_path.iterdir():
        path.write_bytes(b"?")
    with pytest.raises(DataError, match="2 of 2 images cannot be read"):
        load_images(str(tmp_path))
    for path in tmp_path.iterdir():
        _save(tmp_path, path.name, np.full((8, 8, 3), 7, np.uint8))
    with pytest.raises(DataError, match="are the same"):
        load_images(str(tmp_path))
    for path in tmp_path.iterdir():
        _save(tmp_path, path.name, _noise(3, 3))
    with pytest.raises(DataError, match="4 to 512"):
        load_images(str(tmp_path))
    with pytest.raises(InputError, match="size"):
        DataOptions(size=3)
    assert not list((cache_directory() / "images").glob("*.tmp"))


def test_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second start is instant; a picture that was changed, added or taken away is seen."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "pictures"
    for name in ("a.png", "b.png"):
        _save(folder, name, _noise(8, 8))
    decoded: list[int] = []

    def load() -> np.ndarray:
        return load_images(
            str(folder), reporter=Reporter(progress=lambda progress: decoded.append(progress.done))
        ).images

    first = load()
    assert isinstance(first.base, np.memmap) or isinstance(first, np.memmap)
    assert np.array_equal(load(), first)
    assert decoded == [2]
    other = _noise(8, 8)
    _save(folder, "b.png", other)
    assert np.array_equal(load()[1], other)
    _save(folder, "c.png", other)
    assert len(load()) == 3
    assert decoded == [2, 2, 3]
    for path in (tmp_path / "cache").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:200])  # a disk that lost the end
    assert len(load()) == 3
    assert decoded == [2, 2, 3, 3]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """Folders of links are common; one that leads back up must not be walked for ever."""
    _save(tmp_path, "a/1.png", _noise(8, 8))
    _save(tmp_path, "b/1.png", _noise(8, 8))
    (tmp_path / "b/back").symlink_to(tmp_path)
    assert len(load_images(str(tmp_path)).images) == 2


def test_size_and_colour_of_arrays(tmp_path: Path) -> None:
    """--size and --grey hold for arrays and the built-in data too, with labels and names kept."""
    np.savez(
        tmp_path / "a.npz", images=_noise(6 * 12, 20).reshape(6, 12, 20, 3), labels=np.arange(6) % 2,
        class_names=np.array(["x", "y"]),
    )  # fmt: skip
    data = load_images(str(tmp_path / "a.npz"), options=DataOptions(size=8, colour="grey"))
    assert data.images.shape == (6, 8, 8, 1)
    assert data.class_names == ("x", "y")
    assert data.labels is not None
    assert load_images(str(tmp_path / "a.npz")).images.shape == (6, 12, 20, 3)
    clothes = load_images("fashion-mnist-10k", options=DataOptions(size=16))
    assert clothes.images.shape == (10_000, 16, 16, 1)
    assert len(clothes.class_names) == 10
    whole = load_images("fashion-mnist-10k")
    assert clothes.images.mean() == pytest.approx(whole.images.mean(), abs=3)
    assert load_images("fashion-mnist-10k", options=DataOptions(size=28)).fingerprint == whole.fingerprint
