"""Measure everything that CUDA changes, in one run on a machine with one GPU.

    python benchmarks/gpu.py -o gpu.json

Takes at most nine minutes, needs PyTorch 2.11 or later and no network, and runs from a source tree,
installed or not. Without a GPU (or with --device cpu) it does the same at a small size, so that nothing in
it runs for the first time on the GPU. docs/gpu.md says how to read what it writes.

A part that fails leaves its error in the file, and the others go on. What there was no time for is listed.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHAPES = {"conv": (32, 32, 3), "dcgan": (64, 64, 3), "resnet": (64, 64, 3), "r3gan": (64, 64, 3)}
"""Height, width and channels of the pictures that a recipe is timed on; the others get those of clothes."""
OTHER = (28, 28, 1)
PRECISIONS = {"cuda": ("bf16", "fp32", "tf32", "fp16"), "cpu": ("fp32",)}
BATCHES = {"cuda": (128, 32, 512), "cpu": (8,)}
SECONDS = {"cuda": 0.4, "cpu": 0.1}
"""How long a rate is measured."""
TRAINING = {"cuda": 60.0, "cpu": 1.0}
"""How long the run that is scored trains."""
SAMPLES = {"cuda": 10_000, "cpu": 500}
PARTS = ("versions", "resume", "scored", "sampling", "tests", "rates")


def use_source_tree() -> None:
    """Let this process and its children import dropgan from here, installed or not."""
    paths = [str(ROOT)]
    try:
        importlib.metadata.version("dropgan")
    except importlib.metadata.PackageNotFoundError:  # a run records the version
        text = (ROOT / "dropgan" / "__init__.py").read_text()
        found = re.search(r'__version__ = "([^"]+)"', text)
        version = found[1] if found else "0"
        info = Path(tempfile.mkdtemp()) / f"dropgan-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dropgan\nVersion: {version}\n")
        paths.append(str(info.parent))
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)


def versions(device: str) -> dict[str, Any]:
    """What was measured, and on what."""
    import torch

    found: dict[str, Any] = {"python": platform.python_version(), "system": platform.platform()}
    for name in ("dropgan", "torch", "onnx", "onnxruntime", "onnxruntime-gpu", "numpy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    if device == "cuda":
        about = torch.cuda.get_device_properties(0)
        found |= {
            "device": about.name,
            "compute_capability": f"{about.major}.{about.minor}",
            "memory_bytes": about.total_memory,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    else:
        found |= {"device": platform.processor() or platform.machine(), "threads": torch.get_num_threads()}
    return found


def tests(device: str, seconds: float) -> dict[str, Any]:
    """The tests that need a GPU; without one they skip themselves."""
    if importlib.util.find_spec("pytest") is None:
        return {"absent": "pytest is not installed"}
    # these need no more than torch and onnxruntime, and none of the plugins
    arguments = ["-m", "pytest", "-m", "gpu", "tests/train", "tests/serve", "-q", "-rfs", "--no-header"]
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return {"passed": False, "summary": f"not done after {seconds:.0f} s"}
    lines = done.stdout.strip().splitlines()
    shown = [line for line in lines if line.startswith(("FAILED", "ERROR", "SKIPPED"))]
    return {
        "passed": done.returncode == 0,
        "summary": lines[-1] if lines else done.stderr[-500:],
        "lines": shown,
    }


def rates(device: str, recipes: list[str], until: float) -> Iterator[dict[str, Any]]:
    """Steps a second and the most memory, by recipe, precision and batch size."""
    for batch in BATCHES[device]:
        for precision in PRECISIONS[device]:
            for name in recipes:
                case = {"recipe": name, "precision": precision, "batch_size": batch}
                if time.monotonic() > until:
                    yield {**case, "error": "no time was left"}
                    continue
                try:
                    yield {**case, **_rate(device, name, precision, batch)}
                except Exception as error:  # noqa: BLE001 - out of memory, a precision that the GPU has not
                    yield {**case, "error": f"{type(error).__name__}: {str(error)[:300]}"}


def some_data(name: str, count: int) -> Any:
    """What the recipe can be trained on: noise as pictures, or every graph of up to seven nodes."""
    import numpy as np

    if name in ("graphs", "molecules"):
        return "atlas"
    shape = (count, *SHAPES.get(name, OTHER))
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _rate(device: str, name: str, precision: Any, batch: int) -> dict[str, Any]:
    import torch

    from dropgan.train import change_recipe, load_recipe
    from dropgan.train.data.batches import Batches
    from dropgan.train.data.load import load_data
    from dropgan.train.kinds import training_kind
    from dropgan.train.run.plan import Plan
    from dropgan.train.steps.state import TrainingState
    from dropgan.train.steps.step import train_step

    on = torch.device(device)
    recipe = change_recipe(load_recipe(name), {"training.batch_size": batch})
    data = load_data(some_data(name, 2 * batch))
    kind = training_kind(data.kind)
    Plan(on, precision, torch.get_num_threads()).apply()
    state = TrainingState.fresh(recipe, kind.spec_of(data, 0), on)
    if precision == "fp16":
        state.scale_losses(on)
    state.set_learning_rates(recipe)
    batches = Batches(data.samples, batch, 0, on, scaling=kind.scaling(data))

    def step() -> None:
        train_step(state, recipe, batches, device=on, precision=precision)

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    interval = recipe.penalty.r1_interval if device == "cuda" else 1
    for _ in range(interval):
        step()
    wait()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS[device]:
        for _ in range(interval):  # whole rounds, so that lazy penalties have their share
            step()
        steps += interval
        wait()
    seconds = time.perf_counter() - started
    finite = all(bool(weight.isfinite().all()) for weight in state.ema.module.state_dict().values())
    memory = {"peak_bytes": torch.cuda.max_memory_allocated()} if device == "cuda" else {}
    return {"shape": data.shape, "steps_per_second": round(steps / seconds, 2), "finite": finite, **memory}


def resumed(device: str, folder: Path) -> dict[str, Any]:
    """How far a run that stopped and went on is from one that did not: 0 is bit for bit."""
    from dropgan.train import resume, train
    from dropgan.train.run.checkpoint import load_checkpoint

    found: dict[str, Any] = {}
    for name in ("mlp", "conv"):
        settings = {"training.schedule": "constant", "output.checkpoint_interval": 10}
        same: dict[str, Any] = {"device": device, "precision": PRECISIONS[device][0], "settings": settings}
        whole = train(folder / f"{name}-whole", name, steps=20, **same)
        train(folder / f"{name}-parts", name, steps=10, **same)
        parts = resume(folder / f"{name}-parts", steps=20)
        one, other = (load_checkpoint(run.last_checkpoint).tensors for run in (whole, parts))
        apart = max(float((one[key].double() - other[key].double()).abs().max()) for key in one)
        found[name] = {"exact": apart == 0, "largest_difference": apart}
    return found


def scored(device: str, folder: Path) -> dict[str, Any]:
    """A short run with labels on the images that come with dropgan, exported, verified and scored."""
    from dropgan.evaluate import FrechetScorer
    from dropgan.export import export
    from dropgan.serve import Generator
    from dropgan.train import load_images, train

    rate = _rate(device, "conv", PRECISIONS[device][0], 32)["steps_per_second"]
    steps = max(int(rate * TRAINING[device]), 10)
    started = time.perf_counter()
    run = train(
        folder / "scored",
        "conv",
        data="fashion-mnist-10k",
        conditional=True,
        steps=steps,
        device=device,
        precision=PRECISIONS[device][0],
    )
    seconds = time.perf_counter() - started
    card = export(run, folder / "model.onnx")
    samples = Generator(folder / "model.onnx", device="cpu").sample(SAMPLES[device], seed=1)
    scorer = FrechetScorer(load_images("fashion-mnist-10k"))
    return {
        "steps": steps,
        "seconds": round(seconds, 1),
        "samples": len(samples),
        scorer.name: round(scorer(samples), 4),
        "parity_largest_difference": card.export.parity.max_difference,
    }


def sampling(device: str, model: Path) -> dict[str, Any]:
    """Samples a second of the exported file by onnxruntime, on the CPU and by its CUDA provider."""
    import numpy as np

    from dropgan.serve import Generator
    from dropgan.serve.errors import DropganError

    if not model.exists():  # the run before failed: the file that comes with dropgan does
        model = Path("clothes")
    found: dict[str, Any] = {"model": model.name}
    count, expected = 1000, Generator(model, device="cpu").sample(1000, seed=3)
    for where in ("cpu", "cuda"):
        try:
            generator = Generator(model, device=where)
        except DropganError as error:
            found[where] = {"absent": str(error)}
            continue
        samples = generator.sample(count, seed=3)
        apart = np.abs(samples.astype(int) - expected)
        result: dict[str, Any] = {
            "provider": generator.provider,
            "largest_difference": int(apart.max()),
            "share_that_differs": float((apart > 0).mean()),
        }
        for batch in (1, 64, 1024):
            generator.sample(batch, batch_size=batch)
            started, made = time.perf_counter(), 0
            while time.perf_counter() - started < SECONDS[device]:
                generator.sample(batch, batch_size=batch)
                made += batch
            result[f"samples_per_second_batch_{batch}"] = round(made / (time.perf_counter() - started))
        found[where] = result
    return found


def attempt(name: str, part: Callable[[], Any], report: dict[str, Any], out: Path) -> None:
    """Put what a part finds into the report, its error if it fails, and how long it took; keep the file."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        report[name] = part()
    except Exception as error:  # noqa: BLE001 - whatever it is, the next parts are worth having
        report[name] = {"error": f"{type(error).__name__}: {str(error)[:1000]}"}
    report["seconds"][name] = round(time.monotonic() - started, 1)
    out.write_text(json.dumps(report, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("gpu.json"))
    parser.add_argument("--device", choices=["auto", "cuda", "cpu"], default="auto")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--recipes", nargs="+", help="whose rates to measure; all by default")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="all by default")
    options = parser.parse_args()
    use_source_tree()
    import torch

    from dropgan.train import recipe_names

    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    began = time.monotonic()
    end = began + 60 * options.minutes
    report: dict[str, Any] = {"device": device, "seconds": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = folder / "model.onnx"
        names = options.recipes or recipe_names()
        parts: dict[str, Callable[[], Any]] = {
            "versions": lambda: versions(device),
            "resume": lambda: resumed(device, folder),
            "scored": lambda: scored(device, folder),
            "sampling": lambda: sampling(device, model),
            "tests": lambda: tests(device, 0.4 * (end - time.monotonic())),
            "rates": lambda: list(rates(device, names, end - 10)),
        }
        for name in options.parts:
            attempt(name, parts[name], report, options.out)
    report["seconds"]["all"] = round(time.monotonic() - began, 1)
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{options.out}: {device}, {report['seconds']['all']:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
