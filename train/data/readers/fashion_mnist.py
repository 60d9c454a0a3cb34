"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): the embedded subset and the complete set."""

import hashlib
import os
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..cache import cache_directory, cache_file
from ..dataset import DataError, ImageData
from .idx import read_idx, read_payload
from .reader import Reader, Reading

CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

DIRECTORY_VARIABLE = "DROPGAN_FASHION_MNIST"
_DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"

# Digests of the unpacked files: compressing again, as distributions do, does not change them.
_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}  # fmt: skip
_EMBEDDED = Path(__file__).parents[1] / "fashion_mnist_10k"
_SPLITS = {"fashion-mnist": "train", "fashion-mnist-test": "test"}


class FashionMnistReader(Reader):
    """Reads Fashion-MNIST by name: the embedded 10,000 images, or the complete set."""

    gives = "fashion-mnist-10k, fashion-mnist, fashion-mnist-test"

    def matches(self, source: str) -> bool:
        return source == "fashion-mnist-10k" or source in _SPLITS

    def read(self, source: str, how: Reading) -> ImageData:
        if source in _SPLITS:
            return load_fashion_mnist(how.data_dir, split=_SPLITS[source])
        return load_embedded()

    def takes_data_dir(self, source: str) -> bool:
        return source in _SPLITS

    def unchanging_name(self, source: str) -> str:
        return source


def load_embedded() -> ImageData:
    """Return the 10,000 training images, 1,000 of each class, that come with dropgan."""
    images = read_idx(_EMBEDDED / "images-idx3-ubyte.gz")[..., np.newaxis]
    labels = read_idx(_EMBEDDED / "labels-idx1-ubyte.gz").astype(np.int64)
    return ImageData(images, "fashion-mnist-10k", labels, CLASS_NAMES)


def load_fashion_mnist(folder: Path | None = None, *, split: str = "train") -> ImageData:
    """Return the complete set: 60,000 training or 10,000 test images.

    The files are searched in ``folder``, in the directory that the environment variable DROPGAN_FASHION_MNIST
    names, where Debian's package dataset-fashion-mnist puts them, and in the cache, in this order. If
    necessary they are downloaded into the cache. Their SHA-256 is checked in every case.

    Args:
        folder: A directory with the four IDX files, gzip-compressed or not.
        split: ``train`` or ``test``.

    Raises:
        DataError: A file is missing, damaged or not the original, or the download failed.
    """
    prefix = "train" if split == "train" else "t10k"
    images = read_idx(_find(folder, f"{prefix}-images-idx3-ubyte"))[..., np.newaxis]
    labels = read_idx(_find(folder, f"{prefix}-labels-idx1-ubyte")).astype(np.int64)
    name = "fashion-mnist" if split == "train" else "fashion-mnist-test"
    return ImageData(images, name, labels, CLASS_NAMES)


def has_fashion_mnist(folder: Path | None = None) -> bool:
    """Return True if the complete set is on this machine, so that nothing needs to be downloaded."""
    named = folder or (Path(given) if (given := os.environ.get(DIRECTORY_VARIABLE)) else None)
    places = [named] if named is not None else [_DEBIAN_FOLDER, cache_directory() / "fashion-mnist"]
    return any(all(_in_folder(place, name) for name in _SHA256) for place in places)


def _find(folder: Path | None, name: str) -> Path:
    named = folder or (Path(given) if (given := os.environ.get(DIRECTORY_VARIABLE)) else None)
    if named is not None:
        path = _in_folder(named, name)
        if path is None:
            raise DataError(f"{named} has no {name} or {name}.gz")
        return _checked(path, name)
    cache = cache_directory() / "fashion-mnist"
    if (path := _in_folder(_DEBIAN_FOLDER, name)) is not None:
        return _checked(path, name)
    if (path := _in_folder(cache, name)) is not None:
        with suppress(DataError):  # damaged since it was downloaded
            return _checked(path, name)
    return _download(cache / f"{name}.gz", name)


def _in_folder(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _checked(path: Path, name: str) -> Path:
    if hashlib.sha256(read_payload(path)).hexdigest() != _SHA256[name]:
        raise DataError(f"{path} is not the original Fashion-MNIST file (SHA-256 differs): replace it")
    return path


def _download(path: Path, name: str) -> Path:
    """Download one file into the cache. It is kept only if its digest is right."""
    address = f"{_ADDRESS}{name}.gz"
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - a fixed address
            content = answer.read()
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise DataError(
            f"cannot download {address} ({reason}): give a directory that has Fashion-MNIST with"
            f" --data-dir or {DIRECTORY_VARIABLE}, install Debian's dataset-fashion-mnist, or train"
            " on the embedded subset (--data fashion-mnist-10k)"
        ) from error
    with cache_file(path) as file:
        file.write(content)
    try:
        return _checked(path, name)
    except DataError:
        path.unlink()
        raise
