"""Measure time and memory of `dropgan evaluate` on 10,000 samples in domain features.

    python benchmarks/evaluate_speed.py MODEL_OR_RUN [--repeats 3]

Each run is a separate process, first with an empty cache of real features, then with a full one.
Prints wall and CPU time and the largest resident memory.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time


def measure(options: argparse.Namespace, cache: str) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and MB of one evaluation."""
    code = "from dropgan.cli.main import main; main()"
    command = [sys.executable, "-c", code, "evaluate", options.model, "-n", "10000", "--json", "--quiet"]
    for name in ("data", "held_out"):
        given = getattr(options, name)
        command += [f"--{name.replace('_', '-')}", given] if given else []
    threads = {"OMP_NUM_THREADS": str(options.threads)} if options.threads else {}
    environment = {**os.environ, **threads, "XDG_CACHE_HOME": cache}
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"dropgan evaluate failed ({os.waitstatus_to_exitcode(status)})")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--data")
    parser.add_argument("--held-out")
    parser.add_argument("--threads", type=int, help="of PyTorch; as many as there are cores if not given")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float, float]]] = {"empty cache": [], "full cache": []}
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as cache:
            for rows in found.values():
                rows.append(measure(options, cache))
    for name, rows in found.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:<12} {wall:6.1f} s wall  {cpu:6.1f} s CPU  {memory:6.0f} MB  (median of {len(rows)})")


if __name__ == "__main__":
    main()
