"""Make the embedded data set: the first 1,000 training images of each Fashion-MNIST class.

    python scripts/make_embedded_data.py

It reads the whole training set (`load_fashion_mnist` says where it looks for it) and writes the two
IDX files of `train/data/fashion_mnist_10k`. Run again, it writes the same bytes.
"""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.atomic import write_bytes
from dropgan.train.data.readers.fashion_mnist import load_fashion_mnist

PER_CLASS = 1000
FOLDER = Path(__file__).parents[1] / "train" / "data" / "fashion_mnist_10k"


def main() -> None:
    whole = load_fashion_mnist()
    assert whole.labels is not None
    classes = len(whole.class_names)
    chosen = np.sort(
        np.concatenate([np.flatnonzero(whole.labels == label)[:PER_CLASS] for label in range(classes)])
    )
    _write(FOLDER / "images-idx3-ubyte.gz", whole.images[chosen, :, :, 0])
    _write(FOLDER / "labels-idx1-ubyte.gz", whole.labels[chosen].astype(np.uint8))


def _write(path: Path, array: NDArray[np.uint8]) -> None:
    header = bytes([0, 0, 0x08, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    write_bytes(path, gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
