"""Compare architectures on Fashion-MNIST with one thread, at equal CPU seconds or equal images seen.

    python benchmarks/league.py --seconds 100 --seeds 0 1 2 --out docs/league/rows.jsonl
    python benchmarks/league.py --images 24000 --seeds 0 1 2 --out docs/league/rows.jsonl
    python benchmarks/league.py --whole --device cuda --out docs/league/rows.jsonl
    python benchmarks/league.py --out docs/league/rows.jsonl --table

With --entries and --seeds one process trains one network, so that many can run side by side; each with an
--out of its own, which `cat` joins. What has a line in --out is not trained again. How many steps fit into
the seconds is measured first, in the process itself: the median of a few steps, penalties as often as they
come.

Every entry but `seed`, `mlp`, `graph`, `capsule` and `projected`, which are these recipes, has the settings
of `conv` for all that is not its architecture. The features that `projected` looks through are fitted to the
same images by which way up they are, once, before the time begins (--features takes a file of them). Its
decoder is part of the time, and its images are seen besides.

The averaged generator's file makes 5,000 samples. Their Fréchet distance is to all of the data, in dropgan's
own features of fashion, which no entry has seen, and in those of a fixed random network; coverage is that of
5,000 real images by them; copies are looked for among all of the data.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from dropgan.evaluate import FrechetScorer
from dropgan.evaluate.copies import copy_test
from dropgan.evaluate.features import load_features
from dropgan.evaluate.manifold import manifold_scores
from dropgan.evaluate.random_features import random_features
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.serve.atomic import write_bytes
from dropgan.serve.pictures import encode_png, grid
from dropgan.serve.reporter import SILENT
from dropgan.train import Recipe, change_recipe, load_images, load_recipe, train
from dropgan.train.data import ImageData
from dropgan.train.data.batches import Batch
from dropgan.train.features.source import AUTO, feature_source
from dropgan.train.kinds import training_kind
from dropgan.train.networks import build_networks
from dropgan.train.networks.size import parameter_count
from dropgan.train.run.inversion import begin_as_decoder
from dropgan.train.run.kept_plan import machine_name
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

CPU = torch.device("cpu")
SAMPLES = 5_000
STEPS = 9  # that are timed, of each kind
COLUMNS, ROWS = 16, 3

ENTRIES: dict[str, tuple[str, dict[str, Any]]] = {
    "seed": ("seed", {}),
    "mlp": ("mlp", {}),
    "conv": ("conv", {}),
    "resnet": ("conv", {"architecture": "resnet"}),
    "capsule": ("capsule", {}),
    "capsule-attention": ("capsule", {"discriminator.routing": "attention"}),
    "capsule-mlp": ("capsule", {"generator.architecture": "mlp", "generator.hidden": [256, 256]}),
    "graph": ("graph", {}),
    "graph-judges": ("graph", {"generator.architecture": "conv"}),
    "graph-draws": ("graph", {"discriminator.architecture": "conv"}),
    "projected": ("projected", {}),
    "projected-scratch": ("projected", {"discriminator.decoder_steps": 0}),
}
"""Recipe and changes of each entry. ``capsule-mlp`` is a discriminator of capsules beside a generator of
dense layers; in ``graph-judges`` and ``graph-draws`` only one network has graph layers,
and the other is that of conv. The generator of ``projected-scratch`` does not begin as a
decoder."""


def recipe_of(name: str, features: Path | None = None) -> Recipe:
    """The recipe of an entry."""
    base, changes = ENTRIES[name]
    named = {"discriminator.features": str(features)} if base == "projected" and features else {}
    return change_recipe(load_recipe(base), {**changes, **named})


def step_seconds(recipe: Recipe, data: ImageData) -> float:
    """CPU seconds of a step, penalties as often as they come: medians."""
    torch.set_num_threads(1)
    spec = training_kind(data.kind).spec_of(data, 0)
    state = TrainingState.fresh(recipe, spec, CPU)
    batch = Batch(torch.rand(recipe.training.batch_size, *spec.shape) * 2 - 1, None)
    state.set_learning_rates(recipe)
    share = 1 / recipe.penalty.r1_interval if recipe.penalty.r1_weight else 0.0
    medians = []
    for penalise in (False, True) if share else (False,):
        times = []
        for _ in range(STEPS + 2):
            state.step -= state.step % recipe.penalty.r1_interval  # a step that has the penalty, if wanted
            started = time.process_time()
            train_step(state, recipe, lambda _: batch, device=CPU, precision="fp32", penalise=penalise)
            times.append(time.process_time() - started)
        medians.append(statistics.median(times[2:]))  # the first ones warm up
    return medians[0] * (1 - share) + medians[-1] * share


def decoder_seconds(recipe: Recipe, data: ImageData) -> float:
    """CPU seconds of what a generator learns before the first step: nothing but in `projected`."""
    steps = getattr(recipe.discriminator, "decoder_steps", 0)
    if not steps:
        return 0.0
    state = TrainingState.fresh(recipe, training_kind(data.kind).spec_of(data, 0), CPU)
    spent = []
    for count in (1, STEPS + 1):
        started = time.process_time()
        begin_as_decoder(state, recipe, data, count, SILENT)
        spent.append(time.process_time() - started)
    return spent[0] + steps * (spent[1] - spent[0]) / STEPS


def run(name: str, seed: int, options: argparse.Namespace, data: ImageData) -> dict[str, Any]:
    """Train, export and score one entry."""
    recipe = change_recipe(recipe_of(name, options.features), {"training.seed": seed})
    steps = recipe.training.steps
    if options.seconds:
        left = options.seconds - decoder_seconds(recipe, data)
        steps = max(1, round(left / step_seconds(recipe, data)))
    elif options.images:
        steps = options.images // recipe.training.batch_size
    every = {f"output.{what}_interval": steps for what in ("sample", "checkpoint")}
    recipe = change_recipe(recipe, {"training.steps": steps, **every})
    with tempfile.TemporaryDirectory() as folder:
        if recipe.name == "projected":
            feature_source(str(options.features or AUTO), data)  # fits it, if it is not in the cache yet
        precision = "fp32" if options.device == "cpu" else "bf16"
        clock = time.process_time if options.device == "cpu" else time.monotonic
        started = clock()
        train(
            Path(folder) / "run",
            recipe,
            data=options.data,
            device=options.device,
            precision=precision,
            threads=1,
        )
        used = clock() - started
        export(Path(folder) / "run", Path(folder) / "model.onnx")
        size = (Path(folder) / "model.onnx").stat().st_size
        images = Generator(Path(folder) / "model.onnx", device="cpu", threads=1).sample(SAMPLES, seed=1)
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
        path = options.pictures / f"{name}.png"
        write_bytes(path, encode_png(grid(images[: COLUMNS * ROWS], COLUMNS)))
    networks = build_networks(recipe, training_kind(data.kind).spec_of(data, 0))
    network = load_features()
    made, real = network(images).vectors, network(data.images).vectors
    copies = copy_test(made, real, space="features")
    return {
        "entry": name,
        "seed": seed,
        "budget": budget_of(options),
        "steps": recipe.training.steps,
        "images": recipe.training.steps * recipe.training.batch_size,
        "seconds": round(used, 1),
        "ms_a_step": round(used / recipe.training.steps * 1e3, 2),
        "weights": [parameter_count(part) for part in networks],
        "file_bytes": size,
        "distance": round(FrechetScorer(data)(images), 3),
        "distance_random": round(FrechetScorer(data, random_features(data.shape[2]))(images), 4),
        "coverage": round(manifold_scores(real[:SAMPLES], made).coverage[0], 4),
        "copied": round(copies.copied, 4),
        "copied_at_most": round(copies.at_most, 4),
        "samples": SAMPLES,
        "data": options.data,
        "processor": machine_name() if options.device == "cpu" else torch.cuda.get_device_name(),
    }


def budget_of(options: argparse.Namespace) -> str:
    """What the rows of one table have in common."""
    if options.whole:
        return f"whole runs on {options.device}"
    return f"{options.seconds:g} CPU seconds" if options.seconds else f"{options.images:,} images"


def table(lines: list[dict[str, Any]]) -> None:
    """For each budget and processor one row an entry, as Markdown: medians over seeds, nearest first."""

    def median(rows: list[dict[str, Any]], key: str) -> float:
        return statistics.median(row[key] for row in rows)

    def terms(line: dict[str, Any]) -> str:
        return f"{line['budget']}, {line['processor']}"

    for group in dict.fromkeys(map(terms, lines)):
        groups: dict[str, list[dict[str, Any]]] = {}
        for line in sorted(lines, key=lambda line: line["seed"]):
            if terms(line) == group:
                groups.setdefault(line["entry"], []).append(line)
        print(f"\n{group}:\n")
        print(
            "| entry | steps/s | steps | weights G, D | distance | by random features | coverage"
            " | copies, at most |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for name, rows in sorted(groups.items(), key=lambda item: median(item[1], "distance")):
            distances = ", ".join(f"{row['distance']:.2f}" for row in rows)
            weights = ", ".join(f"{count:,}" for count in rows[0]["weights"])
            print(
                f"| {name} | {1e3 / median(rows, 'ms_a_step'):.3g} | {median(rows, 'steps'):,.0f} | {weights}"
                f" | {distances} | {median(rows, 'distance_random'):.3g} | {median(rows, 'coverage'):.2f}"
                f" | {max(row['copied_at_most'] for row in rows):.1%} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion-mnist-10k")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--seconds", type=float, help="CPU seconds of training")
    budget.add_argument("--images", type=int, help="real images seen")
    budget.add_argument("--whole", action="store_true", help="the recipe's own steps")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda trains in bf16")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--entries", nargs="+", default=list(ENTRIES), choices=ENTRIES, metavar="ENTRY")
    parser.add_argument("--features", type=Path, help="what projected looks through, fitted before")
    parser.add_argument("--pictures", type=Path, help="a folder for samples; those of the last seed stay")
    parser.add_argument("--out", type=Path, default=Path("league.jsonl"))
    parser.add_argument("--table", action="store_true", help="print what is there and train nothing")
    options = parser.parse_args()
    lines = (
        [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    )
    if options.table:
        table(lines)
        return
    if not (options.seconds or options.images or options.whole):
        parser.error("give --seconds, --images or --whole")
    data = load_images(options.data)
    done = {(line["entry"], line["seed"]) for line in lines if line["budget"] == budget_of(options)}
    for seed in options.seeds:
        for name in options.entries:
            if (name, seed) not in done:
                row = run(name, seed, options, data)
                lines.append(row)
                options.out.parent.mkdir(parents=True, exist_ok=True)
                with options.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(row, flush=True)
    table(lines)


if __name__ == "__main__":
    main()
