"""Train on a random 80 % of the connected graphs of seven nodes, and score against all of them.

    python benchmarks/graphs_atlas.py --minutes 10 --seeds 0 1 2
    python benchmarks/graphs_atlas.py --steps 4000 --set '{"generator.discrete": "gumbel"}' --device cuda

Beside each run stand the model of Erdős and Rényi and a stochastic block model, fitted to the same graphs.
Times are of the processor alone, so that other work on the machine does not count; --minutes goes by the
clock.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

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
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--set", type=json.loads, default={}, help='change the recipe: {"generator.dropout": 0}'
    )
    parser.add_argument("--json", type=Path, help="append a line for each seed to this file")
    arguments = parser.parse_args()
    data = part_of(require_kind(load_data("atlas:7", reporter=SILENT), GraphData))
    for seed in arguments.seeds:
        recipe = change_recipe(load_recipe(arguments.recipe), {**arguments.set, "training.seed": seed})
        with tempfile.TemporaryDirectory() as folder:
            run, began, clock = Path(folder) / "run", time.process_time(), time.perf_counter()
            train(
                run,
                recipe,
                data=data,
                steps=arguments.steps,
                minutes=arguments.minutes,
                score=validation_metric,
                device=arguments.device,
                precision="fp32",
                threads=1,
                reporter=SILENT,
            )
            processor, clock = time.process_time() - began, time.perf_counter() - clock
            generator = Generator(exported(run, SILENT), device="cpu")
        evaluation = evaluate_graphs(generator, data, samples=arguments.samples, reporter=SILENT)
        found = {score.name.removesuffix("_graphs"): score.value for score in evaluation.scores}
        steps = generator.card.training.steps
        print(
            f"seed {seed}: weights of step {steps:,}, {processor:.0f} CPU seconds, {clock:.0f} by the clock"
        )
        for name, scores in {"generator": found, **evaluation.baselines}.items():
            print(f"  {name:<24}" + ", ".join(f"{metric} {scores[metric]:.3f}" for metric in SHOWN))
        if arguments.json is not None:
            record = {
                "settings": arguments.set, "seed": seed, "device": arguments.device, "steps": steps,
                "processor_seconds": processor, "seconds": clock, "scores": found,
                "baselines": evaluation.baselines, "torch": torch.__version__,
            }  # fmt: skip
            with arguments.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
