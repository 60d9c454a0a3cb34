"""Train on QM9, MolGAN's data set: validity, uniqueness and novelty of 10,000 samples.

    python benchmarks/graphs_qm9.py --minutes 20 --out qm9-run --report qm9.html

docs/graphs.md has what MolGAN's authors report (De Cao and Kipf 2018). --minutes goes by the clock; --steps
makes as many on a busy machine.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from dropgan.evaluate import evaluate, validation_metric
from dropgan.train import change_recipe, load_recipe, train


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipe", default="graphs")
    parser.add_argument("--data", default="qm9", help="qm9, or an .npz of its matrices and types")
    parser.add_argument("--minutes", type=float, help="train so long, on one thread")
    parser.add_argument("--steps", type=int, help="or so many steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--set", type=json.loads, default={}, help='change the recipe: {"generator.latent_dim": 8}'
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--json", type=Path, help="append a line to this file")
    arguments = parser.parse_args()
    began, clock = time.process_time(), time.perf_counter()
    train(
        arguments.out,
        change_recipe(load_recipe(arguments.recipe), arguments.set),
        data=arguments.data,
        seed=arguments.seed,
        steps=arguments.steps,
        minutes=arguments.minutes,
        score=validation_metric,
        device=arguments.device,
        precision="fp32",
        threads=1,
    )
    processor, clock = time.process_time() - began, time.perf_counter() - clock
    evaluation = evaluate(arguments.out, report=arguments.report)
    steps = evaluation.card.training.steps
    print(f"weights of step {steps:,}, {processor:.0f} CPU seconds, {clock:.0f} by the clock")
    for score in evaluation.scores:
        print(f"{score.name:<24}{score.value:.3f}")
    mistakes = getattr(evaluation, "mistakes", {})
    for why, share in mistakes.items():
        print(f"a graph {why}: {share:.1%}")
    if arguments.json is not None:
        record = {
            "settings": arguments.set, "seed": arguments.seed, "device": arguments.device, "steps": steps,
            "processor_seconds": processor, "seconds": clock, "mistakes": mistakes,
            "torch": torch.__version__,
            "scores": {score.name: score.value for score in evaluation.scores},
            "baselines": getattr(evaluation, "baselines", {}),
        }  # fmt: skip
        with arguments.json.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
