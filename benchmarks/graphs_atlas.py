"""The connected graphs of seven nodes: trained on a random 80 % of them, scored against all of them.

    python benchmarks/graphs_atlas.py --minutes 10 --seeds 0 1 2

Beside each run stand the model of Erdős and Rényi and a stochastic block model, fitted to the same graphs.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from dropgan.evaluate import evaluate_graphs, validation_metric
from dropgan.export import exported
from dropgan.serve import Generator
from dropgan.serve.reporter import SILENT
from dropgan.train import change_recipe, load_recipe, train
from dropgan.train.data import GraphData, load_data, require_kind

SHARE, SPLIT_SEED = 0.8, 0
SHOWN = ("validity", "coverage", "held_out_coverage", "total_variation", "copies")


def part_of(data: GraphData) -> GraphData:
    """A random 80 %."""
    kept = np.random.default_rng(SPLIT_SEED).permutation(len(data))[: int(SHARE * len(data))]
    return GraphData(np.ascontiguousarray(data.graphs[np.sort(kept)]), f"{data.name}, 80 %")


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipe", default="graphs")
    parser.add_argument("--minutes", type=float, help="train so long, on one thread")
    parser.add_argument("--steps", type=int, help="or so many steps")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="change the recipe")
    arguments = parser.parse_args()
    data = part_of(require_kind(load_data("atlas:7", reporter=SILENT), GraphData))
    changes = {key: _value(text) for key, text in (pair.split("=", 1) for pair in arguments.set)}
    for seed in arguments.seeds:
        recipe = change_recipe(load_recipe(arguments.recipe), {**changes, "training.seed": seed})
        with tempfile.TemporaryDirectory() as folder:
            run, began = Path(folder) / "run", time.process_time()
            train(
                run,
                recipe,
                data=data,
                steps=arguments.steps,
                minutes=arguments.minutes,
                score=validation_metric,
                device="cpu",
                precision="fp32",
                threads=1,
                reporter=SILENT,
            )
            seconds = time.process_time() - began
            generator = Generator(exported(run, SILENT), device="cpu")
        evaluation = evaluate_graphs(generator, data, samples=arguments.samples, reporter=SILENT)
        found = {score.name.removesuffix("_graphs"): score.value for score in evaluation.scores}
        print(f"seed {seed}: {generator.card.training.steps:,} steps, {seconds:.0f} CPU seconds")
        for name, scores in {"generator": found, **evaluation.baselines}.items():
            print(f"  {name:<24}" + ", ".join(f"{metric} {scores[metric]:.3f}" for metric in SHOWN))


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main()
