"""Make the embedded data set: the first 1,000 training images of each Fashion-MNIST class.

    python -m dropgan.train.data.make_embedded

reads the whole training set (see `load_fashion_mnist` for where it is looked for) and writes the
two IDX files beside this script. Run again it writes the same bytes.
"""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.atomic import write_bytes

from .readers.fashion_mnist import load_fashion_mnist

PER_CLASS = 1000


def main() -> None:
    whole = load_fashion_mnist()
    assert whole.labels is not None
    classes = len(whole.class_names)
    chosen = np.sort(
        np.concatenate([np.flatnonzero(whole.labels == label)[:PER_CLASS] for label in range(classes)])
    )
    folder = Path(__file__).parent / "fashion_mnist_10k"
    _write(folder / "images-idx3-ubyte.gz", whole.images[chosen, :, :, 0])
    _write(folder / "labels-idx1-ubyte.gz", whole.labels[chosen].astype(np.uint8))


def _write(path: Path, array: NDArray[np.uint8]) -> None:
    header = bytes([0, 0, 0x08, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    write_bytes(path, gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
