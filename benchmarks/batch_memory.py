"""Compare the peak memory of a long job with that of a short one.

    dropgan export RUN -o int8.onnx --precision int8
    python benchmarks/batch_memory.py int8.onnx [--samples 10000000] [--format npy]

Runs `dropgan sample` for 100,000 samples and for many, with the same split, into temporary
directories (7.8 GB at 28x28), and adds up the peaks of resident memory (VmHWM) of the command and its
workers. It needs Linux.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dropgan.serve.cores import usable_cores


def peaks(process: int) -> dict[int, int]:
    """KiB of peak resident memory of a process and its children."""
    found = {}
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        for number in [process, *map(int, children)]:
            for line in Path(f"/proc/{number}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    found[number] = int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def run(model: str, samples: int, format_: str) -> tuple[float, float]:
    """MiB at the peak, and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        split = [
            "--workers",
            str(usable_cores()),
            "--threads",
            "1",
            "--batch-size",
            "512",
            "--shard-size",
            "16384",
        ]
        command = [
            sys.executable, "-m", "dropgan.cli", "sample", model, "-n", str(samples), "-o", f"{folder}/out",
            "--format", format_, "--device", "cpu", "-q", *split,
        ]  # fmt: skip
        highest: dict[int, int] = {}
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            highest |= peaks(process.pid)  # a high-water mark never falls
            time.sleep(0.02)
        if process.returncode != 0:
            sys.exit("the job failed")
        return sum(highest.values()) / 1024, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--format", default="npy")
    options = parser.parse_args()
    few, _ = run(options.model, 100_000, options.format)
    many, seconds = run(options.model, options.samples, options.format)
    print(
        f"{usable_cores()} workers, {options.format}: {few:.0f} MiB for 100,000 samples, {many:.0f} MiB for"
        f" {options.samples:,} ({seconds:.0f} s): {many / few:.2f} times"
    )


if __name__ == "__main__":
    main()
