"""Architectures against each other: Fashion-MNIST, one thread, the same CPU seconds for each.

    python benchmarks/league.py --seconds 40 --seeds 0 --out docs/league/rows.jsonl --pictures docs/league
    python benchmarks/league.py --out docs/league/rows.jsonl --table

Every entry but `seed` and `mlp`, which are these recipes, has the settings of `conv` for all that is not its
architecture. How many steps fit into the seconds is measured first, once, in turns: a step of each entry,
then again, so that whatever else the machine does falls on all of them alike. The median step of each is the
first line of --out, and all seeds have the same steps. A line is added as each run ends, and what has a line
is not done again: interrupt it when you like and give the same command.

The averaged generator's file makes 5,000 samples. Their Fréchet distance is to all of the data; coverage
is that of 5,000 real images by them; copies are looked for among all of the data. All three are measured in
dropgan's own features of fashion.
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
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.serve.atomic import write_bytes
from dropgan.serve.pictures import encode_png, grid
from dropgan.train import Recipe, change_recipe, load_images, load_recipe, train
from dropgan.train.data import ImageData
from dropgan.train.data.batches import Batch
from dropgan.train.kinds import training_kind
from dropgan.train.networks import build_networks
from dropgan.train.networks.size import parameter_count
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

CPU = torch.device("cpu")
SAMPLES = 5_000
ROUNDS = 3
COLUMNS, ROWS = 16, 3

ENTRIES: dict[str, tuple[str, dict[str, Any]]] = {
    "seed": ("seed", {}),
    "mlp": ("mlp", {}),
    "conv": ("conv", {}),
    "capsule": ("capsule", {}),
    "capsule, attention": ("capsule", {"discriminator.routing": "attention"}),
    "capsule beside mlp": ("capsule", {"generator.architecture": "mlp", "generator.hidden": [256, 256]}),
    "graph": ("graph", {}),
    "graph beside conv": ("graph", {"discriminator.architecture": "conv"}),
    "resnet": ("conv", {"architecture": "resnet"}),
}
"""Recipe and changes of each entry."""


def step_seconds(recipes: dict[str, Recipe], data: ImageData) -> dict[str, float]:
    """CPU seconds of a step of each recipe, penalties included as often as they come: medians."""
    torch.set_num_threads(1)
    spec = training_kind(data.kind).spec_of(data, 0)
    states = {name: TrainingState.fresh(recipe, spec, CPU) for name, recipe in recipes.items()}
    times: dict[str, list[float]] = {name: [] for name in recipes}
    for turn in range(ROUNDS + 1):
        for name, recipe in recipes.items():
            state, spent = states[name], []
            batch = Batch(torch.rand(recipe.training.batch_size, *spec.shape) * 2 - 1, None)
            state.set_learning_rates(recipe)
            lazily = bool(recipe.penalty.r1_weight)
            for penalise in (False, True) if lazily else (False,):
                state.step -= (
                    state.step % recipe.penalty.r1_interval
                )  # a step that has the penalty, if wanted
                started = time.process_time()
                train_step(
                    state, recipe, lambda _, b=batch: b, device=CPU, precision="fp32", penalise=penalise
                )
                spent.append(time.process_time() - started)
            if turn:  # the first round warms up
                share = 1 / recipe.penalty.r1_interval if lazily else 0.0
                times[name].append(spent[0] * (1 - share) + spent[-1] * share)
    return {name: round(statistics.median(found), 6) for name, found in times.items()}


def run(name: str, seed: int, steps: int, options: argparse.Namespace, data: ImageData) -> dict[str, Any]:
    """Train, export and score one entry."""
    recipe = change_recipe(_recipe(name), {"training.seed": seed, "training.steps": steps})
    recipe = change_recipe(recipe, {"output.sample_interval": steps, "output.checkpoint_interval": steps})
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        train(Path(folder) / "run", recipe, data=options.data, device="cpu", precision="fp32", threads=1)
        used = time.process_time() - started
        export(Path(folder) / "run", Path(folder) / "model.onnx")
        size = (Path(folder) / "model.onnx").stat().st_size
        images = Generator(Path(folder) / "model.onnx", device="cpu", threads=1).sample(SAMPLES, seed=1)
    if options.pictures is not None and seed == options.seeds[0]:
        options.pictures.mkdir(parents=True, exist_ok=True)
        path = options.pictures / f"{name.replace(', ', '-').replace(' ', '-')}.png"
        write_bytes(path, encode_png(grid(images[: COLUMNS * ROWS], COLUMNS)))
    networks = build_networks(recipe, training_kind(data.kind).spec_of(data, 0))
    network = load_features()
    made, real = network(images).vectors, network(data.images).vectors
    copies = copy_test(made, real, space="features")
    return {
        "entry": name,
        "seed": seed,
        "steps": steps,
        "cpu_seconds": round(used, 1),
        "weights": [parameter_count(part) for part in networks],
        "file_bytes": size,
        "distance": round(FrechetScorer(data)(images), 3),
        "coverage": round(manifold_scores(real[:SAMPLES], made).coverage[0], 4),
        "copied": round(copies.copied, 4),
        "copied_at_most": round(copies.at_most, 4),
        "samples": SAMPLES,
    }


def _recipe(name: str) -> Recipe:
    base, changes = ENTRIES[name]
    return change_recipe(load_recipe(base), changes)


def table(lines: list[dict[str, Any]]) -> None:
    """One row an entry, as Markdown: medians over seeds, the best distance first."""
    rates = lines[0]["step_seconds"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in lines[1:]:
        groups.setdefault(line["entry"], []).append(line)

    def median(rows: list[dict[str, Any]], key: str) -> float:
        return statistics.median(row[key] for row in rows)

    print(
        "| entry | seeds | ms a step | steps | weights G, D | Fréchet distance | coverage | copies, at most |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, rows in sorted(groups.items(), key=lambda item: median(item[1], "distance")):
        distances = ", ".join(f"{row['distance']:.2f}" for row in rows)
        weights = ", ".join(f"{count:,}" for count in rows[0]["weights"])
        print(
            f"| {name} | {len(rows)} | {rates[name] * 1e3:.1f} | {rows[0]['steps']:,} | {weights}"
            f" | {distances} | {median(rows, 'coverage'):.2f} | {median(rows, 'copied_at_most'):.1%} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion-mnist-10k")
    parser.add_argument("--seconds", type=float, default=40, help="CPU seconds of training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--entries", nargs="+", default=list(ENTRIES), choices=ENTRIES, metavar="ENTRY")
    parser.add_argument("--pictures", type=Path, help="a folder for samples of the first seed")
    parser.add_argument("--out", type=Path, default=Path("league.jsonl"))
    parser.add_argument("--table", action="store_true", help="print what is there and train nothing")
    options = parser.parse_args()
    lines = (
        [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    )
    if options.table:
        table(lines)
        return
    data = load_images(options.data)

    def add(line: dict[str, Any]) -> None:
        lines.append(line)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(line, flush=True)

    if not lines:
        measured = step_seconds({name: _recipe(name) for name in ENTRIES}, data)
        add({"data": options.data, "seconds": options.seconds, "step_seconds": measured})
    about = lines[0]
    if (about["data"], about["seconds"]) != (options.data, options.seconds):
        parser.error(f"{options.out} is of {about['data']} and {about['seconds']:g} seconds")
    done = {(line["entry"], line["seed"]) for line in lines[1:]}
    for seed in options.seeds:
        for name in options.entries:
            if (name, seed) not in done:
                steps = max(1, int(options.seconds / about["step_seconds"][name]))
                add(run(name, seed, steps, options, data))
    table(lines)


if __name__ == "__main__":
    main()
