"""Find the onnxruntime releases that run an exported file, and compare their samples.

    python benchmarks/export_oldest_runtime.py --run RUN [--versions 1.15.0 1.17.0 ...]

Exports the run at several opsets in fp32 and int8, installs each release from the package index into
an environment of its own, and runs the files there with nothing but onnxruntime and numpy.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

VERSIONS = ("1.15.0", "1.16.3", "1.17.0", "1.18.0", "1.20.0", "1.23.0", "1.25.0")
OPSETS = (18, 19, 20, 21, 25)
SAMPLES = 64
ALONE = """
import sys, numpy, onnxruntime
latents = numpy.load(sys.argv[1])
for path in sys.argv[2:]:
    try:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        numpy.save(path + ".npy", session.run(None, {"latents": latents})[0])
    except Exception as error:
        print(path, str(error).splitlines()[0][:200], file=sys.stderr)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="a run directory that dropgan train made")
    parser.add_argument("--versions", nargs="+", default=VERSIONS)
    options = parser.parse_args()

    from dropgan.export import export
    from dropgan.serve import Generator

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files, expected = [], {}
        for opset in OPSETS:
            for precision in ("fp32", "int8"):
                path = folder / f"{precision}-{opset}.onnx"
                export(options.run, path, opset=opset, precision=precision)
                generator = Generator(path, device="cpu")
                expected[path.name] = generator.sample(SAMPLES)
                files.append(path)
        np.save(folder / "latents.npy", generator.latents(SAMPLES))
        (folder / "alone.py").write_text(ALONE)
        print(f"{'onnxruntime':<13}" + "".join(f"{path.stem:>9}" for path in files), flush=True)
        for version in options.versions:
            python = install(folder / version, version)
            if python is None:
                print(f"{version:<13}cannot be installed here", flush=True)
                continue
            for path in files:
                path.with_name(path.name + ".npy").unlink(missing_ok=True)
            command = [python, folder / "alone.py", folder / "latents.npy", *files]
            subprocess.run(command, check=False, capture_output=True)
            row = "".join(f"{verdict(path, expected[path.name]):>9}" for path in files)
            print(f"{version:<13}{row}", flush=True)
    print("a number is the largest difference in levels from this environment's onnxruntime; - is refused")


def install(folder: Path, version: str) -> Path | None:
    """An environment's interpreter with one onnxruntime release in it, or None."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # releases before 1.19 were built for numpy 1
    wanted = [f"onnxruntime=={version}", "numpy<2" if version < "1.19" else "numpy"]
    done = subprocess.run([*pip, *wanted], check=False, capture_output=True)
    return None if done.returncode else python


def verdict(path: Path, expected: np.ndarray) -> str:
    """How far the pixels are from here, in levels."""
    made = path.with_name(path.name + ".npy")
    if not made.exists():
        return "-"
    return str(int(np.abs(np.load(made).astype(int) - expected).max()))


if __name__ == "__main__":
    main()
