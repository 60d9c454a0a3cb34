"""QM9, MolGAN's data set: validity, uniqueness and novelty of 10,000 samples.

    python benchmarks/graphs_qm9.py --minutes 20 --out qm9-run --report qm9.html

MolGAN's paper (De Cao and Kipf 2018) reports nearly 100 % of valid molecules, and a tendency to collapse.
"""

import argparse
from pathlib import Path

from dropgan.evaluate import evaluate, validation_metric
from dropgan.train import train


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipe", default="graphs")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    train(
        arguments.out,
        arguments.recipe,
        data="qm9",
        seed=arguments.seed,
        minutes=arguments.minutes,
        score=validation_metric,
        device="cpu",
        precision="fp32",
        threads=1,
    )
    evaluation = evaluate(arguments.out, report=arguments.report)
    for score in evaluation.scores:
        print(f"{score.name:<24}{score.value:.3f}")
    for why, share in getattr(evaluation, "mistakes", {}).items():
        print(f"a graph {why}: {share:.1%}")


if __name__ == "__main__":
    main()
