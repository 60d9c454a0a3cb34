"""Time import, loading and the first sample: dropgan.serve against a plain onnxruntime script.

    python benchmarks/cold_start.py model.onnx

Alternates fresh processes of both, and prints medians and the median ratio.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

BARE = """
import numpy as np, onnxruntime as ort
session = ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
latents = np.random.default_rng(0).standard_normal((1, session.get_inputs()[0].shape[1]), dtype=np.float32)
session.run(None, {"latents": latents})
"""
OURS = """
from dropgan.serve import Generator
Generator(MODEL, device="cpu").sample(1)
"""


def seconds(code: str, model: str) -> float:
    """Wall seconds of a fresh interpreter."""
    started = time.perf_counter()
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}  # or the bare side starts it
    subprocess.run([sys.executable, "-c", code.replace("MODEL", repr(model))], check=True, env=environment)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    for code in (BARE, OURS):
        seconds(code, options.model)
    pairs = [(seconds(BARE, options.model), seconds(OURS, options.model)) for _ in range(options.rounds)]
    bare, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(own / other for other, own in pairs)
    print(f"bare onnxruntime {bare:.3f} s, dropgan.serve {ours:.3f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
