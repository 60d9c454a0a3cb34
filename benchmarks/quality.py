"""Compare the Fréchet distances of recipes, given the same data and the same CPU seconds.

    python benchmarks/quality.py --data fashion-mnist --seconds 180

Trains each recipe in turn on one thread for as many steps as fit into the seconds (its rate is
measured first), exports it, and scores the exported file. Prints the CPU seconds used, the score of
each seed and the medians.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from dropgan.evaluate import evaluate
from dropgan.export import export
from dropgan.train import Recipe, change_recipe, load_images, load_recipe, train
from dropgan.train.networks import SampleSpec
from dropgan.train.run.plan import Wanted, make_plan

_TRIAL_STEPS = 150


def timed_run(folder: Path, recipe: Recipe, data: str, precision: str) -> float:
    """Train into ``folder``; the CPU seconds that it took."""
    started = time.process_time()
    train(folder, recipe, data=data, device="cpu", precision=precision, threads=1)
    return time.process_time() - started


def steps_for(seconds: float, recipe: Recipe, data: str, precision: str, folder: Path) -> int:
    """How many steps fit, by the difference of a long and a short trial (start-up cancels out)."""
    few = change_recipe(recipe, {"training.steps": _TRIAL_STEPS})
    many = change_recipe(recipe, {"training.steps": 5 * _TRIAL_STEPS})
    short = timed_run(folder / "short", few, data, precision)
    long = timed_run(folder / "long", many, data, precision)
    return int(seconds * 4 * _TRIAL_STEPS / (long - short))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipes", nargs="+", default=["seed", "mlp"])
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="for the last recipe")
    options = parser.parse_args()
    images = load_images(options.data)
    changes = dict(setting.split("=", 1) for setting in options.set)
    scores: dict[str, list[float]] = {name: [] for name in options.recipes}
    with tempfile.TemporaryDirectory() as name:
        for seed in range(options.seeds):
            for recipe_name in options.recipes:
                folder = Path(name) / f"{recipe_name}-{seed}"
                recipe = change_recipe(
                    load_recipe(recipe_name),
                    {**(changes if recipe_name == options.recipes[-1] else {}), "training.seed": seed},
                )
                precision = make_plan(
                    recipe, SampleSpec((1, 28, 28)), Wanted("cpu", options.precision, 1)
                ).precision
                torch.set_num_threads(1)
                steps = steps_for(options.seconds, recipe, options.data, precision, folder)
                recipe = change_recipe(recipe, {"training.steps": steps})
                used = timed_run(folder / "run", recipe, options.data, precision)
                export(folder / "run", folder / "model.onnx")
                score = evaluate(folder / "model.onnx", images).scores[0]
                scores[recipe_name].append(score.value)
                print(
                    f"{recipe_name:<6} seed {seed}  {precision}  {steps} steps  {used:.0f} CPU seconds"
                    f"  {score.name} {score.value:.2f}  ({score.samples:,} against {score.reference})",
                    flush=True,
                )
    first = statistics.median(scores[options.recipes[0]])
    for recipe_name, values in scores.items():
        median = statistics.median(values)
        print(f"{recipe_name:<6} median {median:.2f}, {median / first:.2f} of {options.recipes[0]}'s")


if __name__ == "__main__":
    main()
