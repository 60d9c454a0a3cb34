"""Measure the speed of PNG encoders on a model's samples, and the size of their files.

    python benchmarks/batch_encoders.py model.onnx

Times are CPU times on one core, the best of several rounds. Pillow and the compression library come
with dropgan[batch]. OpenCV, imagecodecs and isal are measured if they are installed.
"""

import argparse
import importlib
import io
import struct
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from dropgan.serve import Generator
from dropgan.serve.batch.png_encoder import PngEncoder
from dropgan.serve.pictures import encode_png

_COUNT, _ROUNDS = 1024, 5


def with_compressor(shape: tuple[int, ...], compress: Callable[[Any, int], bytes]) -> PngEncoder:
    """Our container around another compression library, at level 1."""
    encoder = PngEncoder(shape)
    encoder._compress = compress
    return encoder


def encoders(shape: tuple[int, ...]) -> dict[str, Callable[[Any], list[bytes]]]:
    """Every encoder that can be tried here."""

    def each(function: Callable[[Any], bytes]) -> Callable[[Any], list[bytes]]:
        return lambda images: [function(image) for image in images]

    grey = shape[2] == 1
    found = {
        "dropgan, libdeflate": PngEncoder(shape).encode,
        "dropgan, zlib": with_compressor(shape, zlib.compress).encode,
        "Pillow": each(encode_png),
    }
    if module := _optional("cv2"):
        found["OpenCV"] = each(lambda image: module.imencode(".png", image)[1].tobytes())
    if codecs := _optional("imagecodecs"):
        found["imagecodecs, libspng, level 1"] = each(
            lambda image: codecs.spng_encode(image[:, :, 0] if grey else image, level=1)
        )
        found["imagecodecs, libpng, level 1"] = each(
            lambda image: codecs.png_encode(image[:, :, 0] if grey else image, level=1)
        )
    if isal := _optional("isal.isal_zlib"):
        found["dropgan, ISA-L"] = with_compressor(shape, isal.compress).encode
    return found


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    options = parser.parse_args()
    images = Generator(options.model, device="cpu").sample(_COUNT)
    for name, encode in encoders(images.shape[1:]).items():
        files = encode(images)
        assert np.array_equal(
            np.asarray(Image.open(io.BytesIO(files[7]))).reshape(images.shape[1:]), images[7]
        )
        assert struct.unpack(">II", files[0][16:24]) == (images.shape[2], images.shape[1])
        best = float("inf")
        for _ in range(_ROUNDS):
            begun = time.process_time()
            encode(images)
            best = min(best, time.process_time() - begun)
        size = sum(map(len, files)) / _COUNT
        print(f"{name:<34}{best / _COUNT * 1e6:8.1f} us {size:8.0f} bytes a picture", flush=True)


if __name__ == "__main__":
    main()
