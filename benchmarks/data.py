"""Measure the cost of reading data: decoding photographs, reading the cache, and memory for a large file.

    python benchmarks/data.py [--photographs 1000] [--gigabytes 4]

Makes JPEG photographs of 1600x1200 pixels and small PNGs in a temporary folder, decodes them to 64x64
(seconds of processor time, so that other work on the machine does not count), and draws batches from a
file of some gigabytes that is taken for larger than memory, watching the process's own memory.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dropgan.train import DataOptions, load_images
from dropgan.train.data import stored
from dropgan.train.data.batches import Batches


def own_megabytes() -> float:
    """Memory that is this process's alone; pages of a mapped file are the system's to take back."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def decode(folder: Path, what: str, size: tuple[int, int], count: int, suffix: str) -> None:
    random = np.random.default_rng(0)
    place = folder / what
    place.mkdir()
    for number in range(count):
        small = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        small.resize(size, Image.Resampling.BICUBIC).save(place / f"{number:06d}{suffix}", quality=90)
    for when in ("first", "again"):
        started, processor = time.perf_counter(), time.process_time()
        load_images(str(place), options=DataOptions(size=64))
        seconds = time.process_time() - processor
        print(
            f"{what:<24}{when:<8}{1e3 * seconds / count:8.3f} ms of processor time a picture,"
            f" {count / (time.perf_counter() - started):8.0f} pictures/s of wall time"
        )


def large(folder: Path, gigabytes: float) -> None:
    count = int(gigabytes * 2**30 / (64 * 64 * 3))
    file = np.lib.format.open_memmap(folder / "large.npy", "w+", np.uint8, (count, 64, 64, 3))
    file[:: count // 50] = np.arange(64, dtype=np.uint8)[:, None]  # the rest are holes in the file
    file.flush()
    del file
    setattr(stored, "available_memory", lambda: 2**30)  # noqa: B010
    torch.set_num_threads(1)
    before = own_megabytes()
    data = load_images(str(folder / "large.npy"))
    batches = Batches(data.samples, 64, seed=0, device=torch.device("cpu"))
    most, started = 0.0, time.process_time()
    for step in range(500):
        batches(step)
        if step % 50 == 0:
            most = max(most, own_megabytes())
    each = 1e3 * (time.process_time() - started) / 500
    print(
        f"{gigabytes:g} GB file, {count:,} images: {most - before:.0f} MB more of its own at most,"
        f" {each:.2f} ms of processor time a batch of 64"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photographs", type=int, default=1000)
    parser.add_argument("--gigabytes", type=float, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = name
        decode(Path(name), "JPEG 1600x1200", (1600, 1200), options.photographs // 5, ".jpg")
        decode(Path(name), "PNG 64x48", (64, 48), 5 * options.photographs, ".png")
        large(Path(name), options.gigabytes)


if __name__ == "__main__":
    main()
