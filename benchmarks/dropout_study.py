"""What dropout does to a GAN, by rate, place, kind and amount of data: the runs behind docs/dropout.md.

    python benchmarks/dropout_study.py            # every run that has no line yet
    python benchmarks/dropout_study.py --quick    # a small part, on its own

Of the 10,000 embedded images, 2,000 are held out, the same ones in every run; a run trains on the first of
the others, recipe mlp, one thread, fp32, equal steps for all. It is scored on 2,000 samples of the averaged
generator, in the deployed mode and, where its dropout can act, with dropout acting. A line is added to --out
as each run ends: interrupt it when you like and give the same command. Runs of one seed share weights,
latents and the order of the data, so that differences are taken seed by seed.
"""

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dropgan.evaluate import FrechetScorer, load_features
from dropgan.evaluate.copies import copy_test
from dropgan.evaluate.discriminator import discriminator_gap
from dropgan.evaluate.manifold import manifold_scores
from dropgan.evaluate.memorisation import neighbour_test
from dropgan.evaluate.reference import reference_features
from dropgan.evaluate.train_mode import has_dropout, train_mode_samples
from dropgan.serve.latents import LatentStream
from dropgan.serve.reporter import SILENT
from dropgan.train import load_images, load_networks, train
from dropgan.train.data import ImageData
from dropgan.train.data.pixels import to_pixels

RUNS = Path(__file__).parents[1] / "docs" / "study" / "runs.jsonl"
HELD_OUT = 2000
SAMPLES = 2000
_SAMPLES_SEED = 2


@dataclass(frozen=True)
class Trial:
    """A run of the study."""

    part: str
    """The question that it belongs to."""
    images: int
    seed: int
    steps: int
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells it from all others; a run of two parts is made once."""
        return json.dumps([self.images, self.seed, self.steps, self.settings], sort_keys=True)


def rates(generator: float, discriminator: float | str) -> dict[str, Any]:
    """The settings of a pair of rates."""
    return {"generator.dropout": generator, "discriminator.dropout": discriminator}


GAP = rates(0.5, 0.2)
REMEDIES: dict[str, dict[str, Any]] = {
    "a share of 0.5": {**GAP, "generator.dropout_share": 0.5},
    "linear to 0": {**GAP, "generator.dropout_schedule": "linear"},
}
KINDS: dict[str, dict[str, Any]] = {
    "gaussian": {**rates(0.0, 0.2), "discriminator.dropout_kind": "gaussian"},
    "lognormal": {**rates(0.0, 0.2), "discriminator.dropout_kind": "lognormal"},
    "late": {**rates(0.0, 0.2), "discriminator.dropout_schedule": "late"},
    "early": {**rates(0.0, 0.2), "discriminator.dropout_schedule": "early"},
    "consistency 1": {**rates(0.0, 0.2), "penalty.consistency_weight": 1.0},
}
STEPS, LONG = 1000, 4000


def whole() -> Iterator[Trial]:
    """All runs, those of every question for a seed before the next seed."""
    for seed in range(3):
        for images, discriminator, generator in (
            *itertools.product((500,), (0.0, 0.2, 0.5), (0.0, 0.5)),
            *itertools.product((2000,), (0.0, 0.2, 0.5), (0.0,)),
            *itertools.product((8000,), (0.0, 0.5), (0.0,)),
        ):
            yield Trial("rates", images, seed, STEPS, rates(generator, discriminator))
        for settings in REMEDIES.values():
            yield Trial("gap", 500, seed, STEPS, settings)
        for images in (500, 2000):
            yield Trial("auto", images, seed, STEPS, rates(0.0, "auto"))
        for discriminator in (0.0, 0.2, 0.5, "auto"):
            yield Trial("long", 500, seed, LONG, rates(0.0, discriminator))
        for discriminator in (0.0, 0.2):
            settings = {**rates(0.0, discriminator), "penalty.r1_weight": 0.0}
            yield Trial("without R1", 500, seed, STEPS, settings)
        for settings in KINDS.values():
            yield Trial("kinds", 500, seed, STEPS, settings)
        for discriminator in (0.0, 0.2):
            yield Trial("rates", 500, seed, STEPS, rates(0.1, discriminator))


def quick() -> Iterator[Trial]:
    """A part of it that shows the direction in a quarter of an hour on two cores."""
    for seed, (generator, discriminator) in itertools.product(range(2), ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5))):
        yield Trial("rates", 500, seed, 400, rates(generator, discriminator))


@dataclass(frozen=True)
class Judge:
    """The images, and what a run is measured with."""

    images: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    scorer: FrechetScorer

    @classmethod
    def embedded(cls) -> "Judge":
        """On the images that come with dropgan."""
        images = load_images("fashion-mnist-10k").images
        images = images[np.random.default_rng(0).permutation(len(images))]
        held_out = np.ascontiguousarray(images[-HELD_OUT:])
        scorer = FrechetScorer(ImageData(held_out, "held-out"), load_features())
        return cls(images[:-HELD_OUT], held_out, scorer)

    def measure(self, run: Path, count: int) -> dict[str, float]:
        """What there is to say of a finished run on so many images."""
        networks, features = load_networks(run, "last"), load_features()
        training = self.images[:count]
        latents = LatentStream(networks.recipe.generator.latent_dim)(SAMPLES, seed=_SAMPLES_SEED)
        with torch.inference_mode():
            samples = np.concatenate(
                [to_pixels(networks.generator(part)).numpy() for part in torch.from_numpy(latents).split(250)]
            )
        made = features(samples).vectors
        mine, other = (
            reference_features(features, ImageData(images, "reals")).vectors
            for images in (training, self.held_out)
        )
        copies = copy_test(made, mine, space="features")
        near = neighbour_test(made, mine, other, space="features")
        manifold = manifold_scores(other, made)
        gap = discriminator_gap(networks.discriminator, training[:2000], self.held_out, samples)
        result = {
            "distance": self.scorer(samples),
            "precision": manifold.precision[0],
            "coverage": manifold.coverage[0],
            "nearer_to_training": near.nearer_to_training,
            "copied": copies.copied,
            "copied_p": copies.p_value,
            "knows_training": gap.knows_training,
        }
        if has_dropout(networks.generator):
            result["train_distance"] = self.scorer(train_mode_samples(networks.generator, latents))
        return {name: round(float(value), 4) for name, value in result.items()}


def made(trial: Trial, judge: Judge) -> dict[str, Any]:
    """Train it and measure it."""
    started = time.process_time()
    settings = {**trial.settings, "output.sample_interval": trial.steps}
    with tempfile.TemporaryDirectory() as folder:
        run = train(
            Path(folder) / "run",
            "mlp",
            data=judge.images[: trial.images],
            steps=trial.steps,
            seed=trial.seed,
            settings=settings,
            device="cpu",
            precision="fp32",
            threads=1,
            reporter=SILENT,
        )
        measured = judge.measure(run.path, trial.images)
    return {
        "part": trial.part,
        "images": trial.images,
        "seed": trial.seed,
        "steps": trial.steps,
        "settings": trial.settings,
        **measured,
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def key_of(row: dict[str, Any]) -> str:
    """`Trial.key` of a recorded run."""
    return Trial(row["part"], row["images"], row["seed"], row["steps"], row["settings"]).key


def read(path: Path) -> list[dict[str, Any]]:
    """The recorded runs."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    out = options.out or (RUNS.with_name("quick.jsonl") if options.quick else RUNS)
    out.parent.mkdir(parents=True, exist_ok=True)
    done = {key_of(row) for row in read(out)}
    judge = Judge.embedded()
    for trial in quick() if options.quick else whole():
        if trial.key in done:
            continue
        row = made(trial, judge)
        done.add(trial.key)
        with out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
