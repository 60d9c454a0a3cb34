"""Reading training data, and refusing what is none."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from dropgan.train.data import DataError, load_images
from dropgan.train.data.readers.fashion_mnist import CLASS_NAMES
from dropgan.train.data.readers.idx import read_idx


def _idx(array: np.ndarray, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 8, 6), dtype=np.uint8)


def test_embedded_set_is_balanced_and_real() -> None:
    """The default data: 1,000 of each class, none twice as often as another."""
    data = load_images("fashion-mnist-10k")
    assert data.images.shape == (10_000, 28, 28, 1)
    assert data.class_names == CLASS_NAMES
    assert data.labels is not None
    assert np.bincount(data.labels).tolist() == [1000] * 10
    assert 60 < data.images.mean() < 85
    assert load_images("fashion-mnist-10k").fingerprint == data.fingerprint


@pytest.mark.parametrize("packed", [False, True])
def test_idx_directory(tmp_path: Path, images: np.ndarray, packed: bool) -> None:
    """MNIST-like folders, gzip-compressed or not; the training files are taken, not the test files."""
    suffix = ".gz" if packed else ""
    labels = np.arange(12, dtype=np.uint8) % 3
    for name, array in {
        "train-images-idx3-ubyte": images,
        "train-labels-idx1-ubyte": labels,
        "t10k-images-idx3-ubyte": images[:3],
        "t10k-labels-idx1-ubyte": labels[:3],
    }.items():
        content = _idx(array)
        (tmp_path / f"{name}{suffix}").write_bytes(gzip.compress(content) if packed else content)
    data = load_images(str(tmp_path))
    assert np.array_equal(data.images[..., 0], images)
    assert data.labels is not None
    assert np.array_equal(data.labels, labels)


def test_numpy_files(tmp_path: Path, images: np.ndarray) -> None:
    """Arrays from anywhere: grey without a channel axis, colour, labels beside them."""
    np.save(tmp_path / "grey.npy", images)
    assert load_images(str(tmp_path / "grey.npy")).images.shape == (12, 8, 6, 1)
    colour = np.repeat(images[..., np.newaxis], 3, axis=3)
    np.savez(tmp_path / "colour.npz", images=colour, labels=np.arange(12))
    data = load_images(str(tmp_path / "colour.npz"))
    assert data.images.shape == (12, 8, 6, 3)
    assert data.labels is not None
    assert data.name == "colour"


def test_whole_set_from_a_named_folder_is_checked(tmp_path: Path, images: np.ndarray) -> None:
    """A file that is not the original must not pass for Fashion-MNIST in somebody's results."""
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / name).write_bytes(_idx(images))
    with pytest.raises(DataError, match="SHA-256"):
        load_images("fashion-mnist", tmp_path)


def test_whole_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """60,000 training images where Debian's package is installed."""
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    monkeypatch.setenv("DROPGAN_FASHION_MNIST", str(folder))
    assert load_images("fashion-mnist").images.shape == (60_000, 28, 28, 1)
    assert load_images("fashion-mnist-test").images.shape == (10_000, 28, 28, 1)


def test_offline_download_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the user needs to know the other ways, and no broken file may stay."""
    monkeypatch.delenv("DROPGAN_FASHION_MNIST", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("dropgan.train.data.readers.fashion_mnist._DEBIAN_FOLDER", tmp_path / "absent")
    monkeypatch.setattr("dropgan.train.data.readers.fashion_mnist._ADDRESS", "http://127.0.0.1:9/")
    with pytest.raises(DataError, match="--data-dir"):
        load_images("fashion-mnist")
    assert not list(tmp_path.rglob("*.gz"))


def test_download_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The download is unpacked, checked and kept; a wrong file from the server is not."""
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    monkeypatch.delenv("DROPGAN_FASHION_MNIST", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("dropgan.train.data.readers.fashion_mnist._DEBIAN_FOLDER", tmp_path / "absent")
    monkeypatch.setattr("dropgan.train.data.readers.fashion_mnist._ADDRESS", f"{folder.as_uri()}/")
    assert len(load_images("fashion-mnist-test").images) == 10_000
    monkeypatch.setattr("dropgan.train.data.readers.fashion_mnist._ADDRESS", "http://127.0.0.1:9/")
    assert len(load_images("fashion-mnist-test").images) == 10_000

    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx(np.zeros((3, 28, 28), np.uint8))))
    monkeypatch.setattr("dropgan.train.data.readers.fashion_mnist._ADDRESS", f"{wrong.as_uri()}/")
    with pytest.raises(DataError, match="SHA-256"):
        load_images("fashion-mnist")
    assert not list((tmp_path / "cache").rglob("train-images*"))


def test_a_damaged_download_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: np.ndarray
) -> None:
    """What lies in the cache is checked each time, and what a disk changed there ends no later run."""
    server, digests = tmp_path / "server", {}
    server.mkdir()
    for name, array in {"t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": images[:, 0, 0]}.items():
        (server / f"{name}.gz").write_bytes(gzip.compress(_idx(array)))
        digests[name] = hashlib.sha256(_idx(array)).hexdigest()
    monkeypatch.delenv("DROPGAN_FASHION_MNIST", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("dropgan.train.data.readers.fashion_mnist._DEBIAN_FOLDER", tmp_path / "absent")
    monkeypatch.setattr("dropgan.train.data.readers.fashion_mnist._ADDRESS", f"{server.as_uri()}/")
    monkeypatch.setattr("dropgan.train.data.readers.fashion_mnist._SHA256", digests)
    for damage in (b"", b"junk", gzip.compress(_idx(255 - images))):
        assert np.array_equal(load_images("fashion-mnist-test").images[..., 0], images)
        [kept] = (tmp_path / "cache").rglob("t10k-images*")
        kept.write_bytes(damage)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"hello world, not IDX", "not an IDX file"),
        (bytes([0, 0, 8, 3]) + b"\0\0", "cut off in its header"),
        (bytes([0, 0, 0x0D, 1]) + struct.pack(">I", 1) + b"\0\0\0\0", "unsigned bytes"),
        (_idx(np.zeros((5, 8, 8), np.uint8))[:-3], "should hold 320 bytes"),
        (gzip.compress(_idx(np.zeros((5, 8, 8), np.uint8)), mtime=0)[:-12], "damaged"),
        (b"\x1f\x8bnot gzip at all", "damaged"),
    ],
)
def test_damaged_idx_files(tmp_path: Path, content: bytes, message: str) -> None:
    """Half a download must be called so, not trained on."""
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((9, 8, 8), np.float32), "uint8"),
        (np.zeros((9, 64), np.uint8), "uint8 images of shape"),
        (np.zeros((0, 8, 8), np.uint8), "at least 2"),
        (np.zeros((9, 8, 8, 2), np.uint8), "1 or 3 channels"),
        (np.zeros((9, 8, 8), np.uint8), "all 9 images are the same"),
        (np.zeros((9, 2, 2), np.uint8), "4 to 512 pixels"),
    ],
)
def test_unfit_arrays(tmp_path: Path, array: np.ndarray, message: str) -> None:
    """Each refusal says what is wrong with the array."""
    np.save(tmp_path / "data.npy", array)
    with pytest.raises(DataError, match=message):
        load_images(str(tmp_path / "data.npy"))


def test_other_bad_sources(tmp_path: Path, images: np.ndarray) -> None:
    """A typo, an empty folder, a pickle, a wrong kind of file, labels that do not fit."""
    with pytest.raises(DataError, match="there is no data"):
        load_images(str(tmp_path / "typo"))
    with pytest.raises(DataError, match="has no pictures"):
        load_images(str(tmp_path))
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match="cannot be trained on"):
        load_images(str(tmp_path / "notes.txt"))
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot read"):
        load_images(str(tmp_path / "objects.npy"))
    np.savez(tmp_path / "short.npz", images=images, labels=np.arange(5))
    with pytest.raises(DataError, match="one label"):
        load_images(str(tmp_path / "short.npz"))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(DataError, match="cannot read"):
        load_images(str(tmp_path / "broken.npz"))
    with pytest.raises(DataError, match="--data-dir"):
        load_images("fashion-mnist-10k", tmp_path)
