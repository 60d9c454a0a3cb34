"""Check that an app that embeds a generator does not grow: sample for minutes from threads and forks.

    python benchmarks/embedding_soak.py MODEL [--minutes 10] [--allowed-mb 3]

Every second: four threads share one Generator and ask for 1 to 300 samples each, a Generator is
opened, pickled and dropped, and, every ten seconds, two children are forked that sample too. All
answers are compared with the first. Fails if a single one differs, or if resident memory in the last
third has grown over the middle third by more than is allowed.
"""

import argparse
import os
import pickle
import random
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from dropgan.serve import Generator

SAMPLES = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--allowed-mb", type=float, default=3)
    arguments = parser.parse_args()
    generator = Generator(arguments.model, device="cpu", threads=1)
    expected = generator.sample(SAMPLES, seed=1)
    choose = random.Random(0)

    def some() -> None:
        start = choose.randrange(SAMPLES)
        count = choose.randint(1, SAMPLES - start)
        compare(generator.sample(count, seed=1, start=start), start)
        compare(generator.sample(1, seed=1, start=start), start)

    def compare(given: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", start: int) -> None:
        if not np.array_equal(given, expected[start : start + len(given)]):
            raise SystemExit("a sample differs")

    memory: list[float] = []
    end = time.monotonic() + 60 * arguments.minutes
    with ThreadPoolExecutor(4) as pool:
        second = 0
        while time.monotonic() < end:
            for answer in [pool.submit(some) for _ in range(16)]:
                answer.result()
            again = pickle.loads(pickle.dumps(Generator(arguments.model, device="cpu", threads=1)))
            compare(again.sample(5, seed=1), 0)
            del again
            if second % 10 == 0:
                children(some)
            memory.append(resident())
            if second % 60 == 0:
                print(f"{second // 60} min  {memory[-1]:.1f} MB", flush=True)
            second += 1
            time.sleep(0.9)
    third = len(memory) // 3
    growth = statistics.median(memory[-third:]) - statistics.median(memory[third : 2 * third])
    print(f"grown by {growth:.2f} MB from the middle third to the last, {len(memory)} rounds")
    if growth > arguments.allowed_mb:
        sys.exit(1)


def children(work: Callable[[], None]) -> None:
    """Fork two, let each sample, and insist that both end well."""
    pids = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work()
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    for pid in pids:
        if os.waitpid(pid, 0)[1] != 0:
            raise SystemExit("a forked child failed")


def resident() -> float:
    """Megabytes of this process in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
