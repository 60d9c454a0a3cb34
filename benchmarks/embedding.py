"""Compare an embedded generator with a plain onnxruntime script: disk, start, time, memory.

    python benchmarks/embedding.py MODEL [--rounds 21] [--json]

Both sides run the same interpreter, numpy and onnxruntime, in turns; shown are medians, the median
of the ratios of neighbours in time, and for single calls the fastest tenth. dropgan is the light
runtime that `dropgan package` puts beside a wheel, installed alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import timeit
from importlib import metadata
from pathlib import Path
from typing import Any

BARE = """
import numpy, onnxruntime, sys
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
shape = (1, session.get_inputs()[0].shape[1])
latents = numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)
images = session.run(None, {session.get_inputs()[0].name: latents})[0]
"""
DROPGAN = """
import sys
from dropgan.serve import Generator
images = Generator(sys.argv[1], device="cpu").sample(1)
"""
MEASURED = """
import time
began = time.perf_counter()
{script}
seconds = time.perf_counter() - began
status = open("/proc/self/status").read() if sys.platform == "linux" else ""
resident = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")), 0)
print(seconds, int(resident) * 1024, images.shape[0])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        light = Path(folder)
        figures = footprint(light)
        figures |= cold_start(arguments.model, light, arguments.rounds)
        figures |= single_samples(arguments.model)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        print(f"{name:<52}{value:10.3f}")


def footprint(light: Path) -> dict[str, float]:
    """Installed megabytes; also installs the light runtime into ``light``."""
    from dropgan.export.package.light import light_wheel

    name, content = light_wheel()
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / name
        wheel.write_bytes(content)
        quiet = ["--quiet", "--no-index", "--no-deps", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "install", *quiet, "--target", light, wheel]
        subprocess.run(command, check=True)
    source = Path(__file__).parents[1]
    data_set = source / "train" / "data" / "fashion_mnist_10k"
    return {
        "dropgan light runtime, installed MB": megabytes(light),
        "  its wheel MB": len(content) / 1e6,
        "  the training data set, not in it, MB": megabytes(data_set),
        "numpy, installed MB": installed("numpy"),
        **{f"{name}, installed MB": installed(name) for name in ("onnxruntime", "onnxruntime-gpu")},
    }


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def installed(name: str) -> float:
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return 0.0
    paths = (Path(str(file.locate())) for file in files)
    return sum(path.stat().st_size for path in paths if path.exists()) / 1e6


def cold_start(model: Path, light: Path, rounds: int) -> dict[str, float]:
    """Import, load and one sample in a fresh interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(light), "ORT_DISABLE_TELEMETRY": "1"}
    seconds: dict[str, list[float]] = {"bare": [], "dropgan": []}
    memory: dict[str, list[float]] = {"bare": [], "dropgan": []}
    for turn in range(rounds + 1):
        for name, script in (("bare", BARE), ("dropgan", DROPGAN)):
            code = MEASURED.format(script=script)
            command = [sys.executable, "-c", code, str(model)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            took, resident, _ = map(float, done.stdout.split())
            if turn:  # the first of each fills the disk cache
                seconds[name].append(took)
                memory[name].append(resident / 1e6)
    ratios = [mine / bare for mine, bare in zip(seconds["dropgan"], seconds["bare"], strict=True)]
    return {
        "cold start, bare onnxruntime, ms": 1e3 * statistics.median(seconds["bare"]),
        "cold start, dropgan, ms": 1e3 * statistics.median(seconds["dropgan"]),
        "  ratio": statistics.median(ratios),
        "memory after one sample, bare, MB": statistics.median(memory["bare"]),
        "memory after one sample, dropgan, MB": statistics.median(memory["dropgan"]),
        "  difference MB": statistics.median(memory["dropgan"]) - statistics.median(memory["bare"]),
    }


def single_samples(model: Path) -> dict[str, float]:
    """Microseconds of ``Generator.sample(1)`` over a bare ``session.run`` of one latent, one thread."""
    from dropgan.serve import Generator
    from dropgan.serve.providers import load_onnxruntime

    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    generator = Generator(model, device="cpu", threads=1)
    latents, name = generator.latents(1), session.get_inputs()[0].name
    place = 0

    def bare() -> Any:
        return session.run(None, {name: latents})

    def same() -> Any:
        return generator.sample(1)

    def in_turn() -> Any:
        nonlocal place
        place += 1
        return generator.sample(1, start=place)

    def anywhere() -> Any:
        nonlocal place
        place += 1
        return generator.sample(1, seed=1, start=place * 7919 % 1_000_003)

    calls = {"bare": bare, "same": same, "in turn": in_turn, "anywhere": anywhere}
    times: dict[str, list[float]] = {key: [] for key in calls}
    repeat, number = 200, 50
    for _ in range(repeat):
        for key, call in calls.items():
            times[key].append(timeit.timeit(call, number=number) / number * 1e6)
    # the fastest tenth: what else runs on the machine only ever adds
    fast = {key: statistics.quantiles(values, n=10)[0] for key, values in times.items()}
    return {
        "session.run of one latent, us": fast["bare"],
        "  sample(1) over it: the same again, us": fast["same"] - fast["bare"],
        "  sample(1) over it: one after another, us": fast["in turn"] - fast["bare"],
        "  sample(1) over it: anywhere, us": fast["anywhere"] - fast["bare"],
    }


if __name__ == "__main__":
    main()
