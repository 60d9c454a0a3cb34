"""Search for changes to a recipe that are worth their time: variants of it, given equal CPU seconds.

    python benchmarks/search.py --data fashion-mnist-10k --seconds 100 --out search.jsonl
    python benchmarks/search.py --variants "as it is" --worth "former" 12000 --precision auto --seeds 0 1 2
    python benchmarks/search.py --device cuda --precision bf16 --seconds 240 --variants "as it is" --grids .
    python benchmarks/search.py --out search.jsonl --table

A variant is "as it is" or some of the PIECES below ("wide + R1 0.3"), by default each of them alone. It is
trained on one thread for so many steps as fit into the seconds at its own rate, measured just before; on a
busy machine, where one CPU second is not like another, say --steps. --worth takes the seconds that so many
steps of another variant take, measured just before. On a GPU, where this has not been run yet, seconds are
of the clock. The averaged generator makes 10,000 samples, which are compared with all of the data. A line
is added to --out as each run ends, and a run whose line is there is not made again: interrupt it when you
like and give the same command.

The distance is dropgan's own for data that its features know; for other data --features names a file
of `dropgan evaluate --fit-features`. Beside it stands the energy at the highest frequency over the real
pictures' (a checkerboard of period 2 raises it).
"""

import argparse
import json
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dropgan.evaluate import FrechetScorer, load_features
from dropgan.evaluate.appearance import checkerboard
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.serve.pictures import encode_png, grid
from dropgan.serve.reporter import SILENT
from dropgan.train import Recipe, RunDirectory, change_recipe, load_generator, load_images, load_recipe, train
from dropgan.train.data.batches import Batches
from dropgan.train.data.pixels import to_pixels
from dropgan.train.kinds import training_kind
from dropgan.train.run.labels import with_learned_labels
from dropgan.train.run.plan import Wanted, make_plan
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

try:
    from benchmarks.search_parts import register
except ModuleNotFoundError:  # run as a script
    from search_parts import register  # type: ignore[import-not-found,no-redef]

CPU = torch.device("cpu")
SAMPLES = 10_000
TRIAL_SECONDS = 3.0

PIECES: dict[str, dict[str, Any]] = {
    "spectral norm": {"discriminator.spectral_norm": True, "penalty.r1_weight": 0.0},
    "R1 and spectral norm": {"discriminator.spectral_norm": True},
    "wide": {"generator.hidden": [64, 32]},
    "narrow": {"generator.hidden": [32, 16]},
    "stem 8": {"discriminator.stem": 8},
    "stem 16": {"discriminator.stem": 16},
    "no stem": {"discriminator.stem": 0},
    "finest 8": {"generator.finest": 8},
    "R1 1": {"penalty.r1_weight": 1.0},
    "R1 0.3": {"penalty.r1_weight": 0.3},
    "R1 0.1": {"penalty.r1_weight": 0.1},
    "R1 0.03": {"penalty.r1_weight": 0.03},
    "R2 0.3": {"penalty.r2_weight": 0.3},
    "R2 0.1": {"penalty.r2_weight": 0.1},
    "relativistic": {"training.loss": "relativistic", "discriminator.dropout": 0.01},
    "hinge": {"training.loss": "hinge"},
    "wide D": {"discriminator.hidden": [32, 64]},
    "batch 64": {"training.batch_size": 64},
    "batch 16": {"training.batch_size": 16},
    "D 0.2": {"discriminator.dropout": 0.2},
    "D 0.05": {"discriminator.dropout": 0.05},
    "no dropout": {"generator.dropout": 0.0, "discriminator.dropout": 0.0},
    "G 0.01": {"generator.dropout": 0.01},
    "rates 1e-3": {"generator.learning_rate": 1e-3, "discriminator.learning_rate": 1e-3},
    "rates 4e-3": {"generator.learning_rate": 4e-3, "discriminator.learning_rate": 4e-3},
    "beta2 0.999": {"training.beta2": 0.999},
    "average 0.9995": {"training.ema_decay": 0.9995},
    "average 0.995": {"training.ema_decay": 0.995},
    "48": {"generator.hidden": [48, 24]},
    "from 4x4": {"generator.hidden": [64, 32, 16]},
    "two stages": {"training.one_stage": False},
    "no D dropout": {"discriminator.dropout": 0.0},
    "D 0.1": {"discriminator.dropout": 0.1},
    "D 0.01": {"discriminator.dropout": 0.01},
    "D auto 0.4": {"discriminator.dropout": "auto", "discriminator.dropout_target": 0.4},
    "G 0.06": {"generator.dropout": 0.06},
    "D rate 4e-3": {"discriminator.learning_rate": 4e-3},
    "D rate 1e-3": {"discriminator.learning_rate": 1e-3},
    "D last": {"discriminator.dropout_layers": "last"},
    "G dense": {"generator.dropout_layers": [1]},
    "G fading": {"generator.dropout_schedule": "linear"},
    "rates 3e-3": {"generator.learning_rate": 3e-3, "discriminator.learning_rate": 3e-3},
    "beta2 0.95": {"training.beta2": 0.95},
    "growing average": {"training.ema_decay": 0.9999},  # of a ninth of the steps so far
    "SAN": {"discriminator.architecture": "conv-san"},
    "statistics": {"discriminator.architecture": "conv-statistics", "training.one_stage": False},
    "zero blocks": {"generator.architecture": "conv-zero", "discriminator.architecture": "conv-zero"},
    "unconditional": {"conditional": False, "clusters": 0},
    "clusters 16": {"conditional": True, "clusters": 16},
    "clusters 32": {"conditional": True, "clusters": 32},
    "former": {  # what `conv` was when it scored 1.20 in the demo's 12,000 steps
        "conditional": False,
        "generator.hidden": [32, 16],
        "generator.dense": [256],
        "discriminator.stem": 0,
        "penalty.r1_weight": 1.0,
        "training.one_stage": False,
        "discriminator.dropout": 0.1,
    },
    "PyTorch's weights": {"generator.initialisation": "pytorch", "discriminator.initialisation": "pytorch"},
    "He's weights": {"generator.initialisation": "he", "discriminator.initialisation": "he"},
}
"""What a variant is put together from, ``wide + R1 0.3``; later pieces win."""


def changes(variant: str) -> dict[str, Any]:
    """The settings of a variant."""
    pieces = [] if variant == "as it is" else variant.split(" + ")
    return {key: value for piece in pieces for key, value in PIECES[piece].items()}


def rate(recipe: Recipe, data: Any, precision: str) -> float:
    """Steps per CPU second of the bare loop."""
    data = with_learned_labels(data, recipe, SILENT)
    spec = training_kind(data.kind).spec_of(data, data.classes if recipe.conditional else 0)
    torch.set_num_threads(1)
    state = TrainingState.fresh(recipe, spec, CPU)
    labels = data.labels if recipe.conditional else None
    batches = Batches(data.samples, recipe.training.batch_size, 0, CPU, labels)
    state.set_learning_rates(recipe)
    interval = recipe.penalty.r1_interval

    def some() -> None:
        for _ in range(interval):
            train_step(state, recipe, batches, device=CPU, precision=precision)

    some()
    started, steps = time.process_time(), 0
    while time.process_time() - started < TRIAL_SECONDS:
        some()
        steps += interval
    return steps / (time.process_time() - started)


def seconds_for(base: dict[str, Any], data: Any, options: argparse.Namespace, precision: str) -> float:
    """The time that a run has: so many seconds, or what so many steps of another variant take."""
    if not options.worth:
        return float(options.seconds)
    name, steps = options.worth
    recipe = change_recipe(load_recipe(options.recipe), {**base, **changes(name)})
    return int(steps) / rate(recipe, data, precision)


def sampled(run: RunDirectory, recipe: Recipe, device: str, classes: int) -> NDArray[np.uint8]:
    """10,000 samples of a run on its device, of all classes in turns."""
    module = load_generator(run).module.to(device)
    latents = torch.randn(SAMPLES, recipe.generator.latent_dim, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(SAMPLES) % classes if recipe.conditional else None
    made = []
    with torch.no_grad():
        for first in range(0, SAMPLES, 500):
            some = slice(first, first + 500)
            asked = () if labels is None else (labels[some].to(device),)
            made.append(to_pixels(module(latents[some].to(device), *asked).cpu()).numpy())
    return np.concatenate(made)


def run(
    name: str, seed: int, base: dict[str, Any], options: argparse.Namespace, data: Any, scorer: Any
) -> dict[str, Any]:
    recipe = change_recipe(load_recipe(options.recipe), {**base, **changes(name), "training.seed": seed})
    learned = with_learned_labels(data, recipe, SILENT)
    spec = training_kind(data.kind).spec_of(learned, learned.classes if recipe.conditional else 0)
    precision = make_plan(recipe, spec, Wanted(options.device, options.precision, 1)).precision
    on_cpu, minutes, budget = options.device == "cpu", None, options.seconds
    if options.steps:
        recipe = change_recipe(recipe, {"training.steps": options.steps})
    elif on_cpu:
        budget = seconds_for(base, data, options, precision)
        steps = int(budget * rate(recipe, data, precision))
        recipe = change_recipe(recipe, {"training.steps": steps, "output.sample_interval": steps})
    else:
        minutes = options.seconds / 60
    with tempfile.TemporaryDirectory() as folder:
        clock = time.process_time if on_cpu else time.perf_counter
        started = clock()
        trained = train(
            Path(folder) / "run",
            recipe,
            data=options.data,
            device=options.device,
            precision=precision,
            threads=1,
            minutes=minutes,
        )
        used = clock() - started
        if on_cpu:
            export(trained, Path(folder) / "model.onnx")
            samples = Generator(Path(folder) / "model.onnx", device="cpu", threads=1).sample(SAMPLES, seed=1)
        else:  # a network for a GPU would sample for minutes here
            samples = sampled(trained, recipe, options.device, learned.classes)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder, options.keep / label(name, seed, options), dirs_exist_ok=True)
        steps = int(load_generator(trained).about["step"])
    if options.grids:
        picture = encode_png(grid(samples[:100], 10, scale=2))
        (options.grids / f"{label(name, seed, options)}.png").write_bytes(picture)
    result = {
        "variant": name,
        "seed": seed,
        "data": options.data,
        "recipe": options.recipe,
        "seconds": options.seconds,
        "worth": options.worth,
        "set": options.set,
        "device": torch.cuda.get_device_name() if not on_cpu else processor(),
        "precision": precision,
        "budget": round(budget, 1),
        "steps": steps,
        "cpu_seconds": round(used, 1),
        "checkerboard": round(checkerboard(samples, data.images), 3),
    }
    if scorer is not None:
        result["distance"] = round(scorer(samples), 4)
    return result


def label(name: str, seed: int, options: argparse.Namespace) -> str:
    """A file name of a run."""
    return f"{options.recipe} {Path(options.data).stem} {name} {seed}".replace(" ", "-")


def processor() -> str:
    """The CPU's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def wanted(options: argparse.Namespace, lines: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """What has no line yet, all variants of a seed before the next seed."""
    same = ("data", "recipe", "seconds", "set", "worth")
    done = {
        (line["variant"], line["seed"])
        for line in lines
        if all(line.get(key) == getattr(options, key) for key in same)
        and options.steps in (None, line["steps"])
    }
    for seed in options.seeds:
        yield from ((name, seed) for name in options.variants if (name, seed) not in done)


def table(lines: list[dict[str, Any]]) -> None:
    """Medians and ranges over seeds, the best first."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for line in lines:
        key = (line["data"], line["recipe"], line["seconds"], " ".join(line["set"]), line["variant"])
        groups.setdefault(key, []).append(line)

    def median(rows: list[dict[str, Any]], what: str) -> float:
        return statistics.median(row.get(what, float("nan")) for row in rows)

    for key, rows in sorted(groups.items(), key=lambda item: (item[0][:4], median(item[1], "distance"))):
        distances = ", ".join(f"{row.get('distance', float('nan')):.3f}" for row in rows)
        print(
            f"{key[0][-20:]:<20} {key[1]} {key[2]:g} s {key[3]}  {key[4]:<28} {median(rows, 'distance'):.3f}"
            f" ({distances})  {median(rows, 'steps'):,.0f} steps, {median(rows, 'cpu_seconds'):.0f} CPU s,"
            f" checkerboard {median(rows, 'checkerboard'):.2f}"
        )


def main() -> None:
    register()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion-mnist-10k")
    parser.add_argument("--recipe", default="conv")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="for every variant")
    parser.add_argument("--seconds", type=float, default=100, help="CPU seconds of training")
    parser.add_argument("--worth", nargs=2, metavar=("VARIANT", "STEPS"), help="instead of seconds")
    parser.add_argument("--steps", type=int, help="instead of seconds")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--variants", nargs="+", default=["as it is", *PIECES], metavar="PIECE + PIECE")
    parser.add_argument("--features", help="for data that dropgan's own features do not know; none: no score")
    parser.add_argument("--grids", type=Path, metavar="FOLDER", help="put a picture of 100 samples there")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep runs and exported files there")
    parser.add_argument("--out", type=Path, default=Path("search.jsonl"))
    parser.add_argument("--table", action="store_true", help="print what is there and train nothing")
    options = parser.parse_args()
    lines = (
        [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    )
    if options.table:
        table(lines)
        return
    data = load_images(options.data)
    scorer = None
    if options.features != "none":
        scorer = FrechetScorer(data, load_features(options.features or "domain"))
    base = dict(setting.split("=", 1) for setting in options.set)
    for name, seed in wanted(options, lines):
        lines.append(run(name, seed, base, options, data, scorer))
        with options.out.open("a") as file:
            file.write(json.dumps(lines[-1]) + "\n")
        print(lines[-1], flush=True)
    table(lines)


if __name__ == "__main__":
    main()
