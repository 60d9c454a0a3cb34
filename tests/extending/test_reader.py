"""A reader from one file: portable grey maps that follow one another in one file (netpbm's P5)."""

from pathlib import Path

import numpy as np

from dropgan.train.data import ImageData, TrainingData
from dropgan.train.data.readers import READERS, Reader, Reading

from .conftest import WholeWay


class GreyMaps(Reader):
    gives = "a .pgms file"

    def matches(self, source: str) -> bool:
        return source.endswith(".pgms")

    def read(self, source: str, how: Reading) -> TrainingData:
        data, images = Path(source).read_bytes(), []
        while data:
            _, size, _, rest = data.split(b"\n", 3)
            width, height = map(int, size.split())
            images.append(np.frombuffer(rest[: width * height], np.uint8).reshape(height, width, 1))
            data = rest[width * height :]
        return ImageData(np.stack(images), Path(source).name)


def test_a_reader(whole_way: WholeWay, tmp_path: Path) -> None:
    """One line in the list, and every command takes such files."""
    READERS.insert(0, GreyMaps())
    try:
        random = np.random.default_rng(0)
        source = tmp_path / "pictures.pgms"
        pictures = random.integers(0, 256, (20, 12, 16), dtype=np.uint8)
        source.write_bytes(b"".join(b"P5\n16 12\n255\n" + picture.tobytes() for picture in pictures))
        samples = whole_way(data=source)
    finally:
        READERS.pop(0)
    assert samples.shape == (10, 12, 16, 1)
