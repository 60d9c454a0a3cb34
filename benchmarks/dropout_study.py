"""Run the dropout study: the effect of dropout on a GAN by rate, place, kind and amount of data.

    python benchmarks/dropout_study.py            # every run that has no line yet
    python benchmarks/dropout_study.py --quick    # a small part, on its own
    python benchmarks/dropout_study.py --list     # what there is to do, numbered

`dropout_plan.py` says which runs there are. Clothes are the 10,000 embedded images, of which 2,000 are held
out, the same ones in every run; a run trains on the first of the others, and --clothes names the whole
Fashion-MNIST for runs on more. Colour is CIFAR-10: --colour and --features name what these made:

    python benchmarks/colour_data.py package -o cifar10.npz
    dropgan evaluate --fit-features colour.safetensors --data cifar10.npz --limit 20000 --epochs 2

All train with one thread, in fp32, for equal steps, and are scored on 2,000 samples of the averaged
generator, in the deployed mode and, where its dropout can act, with dropout acting. A line is added to --out
as each run ends: interrupt it when you like and give the same command. Runs of one seed share weights,
latents and the order of the data, so that differences are taken seed by seed.

Several processes, and several machines, share the work: --runs 4-9 takes those of the numbers that --list
gives, each process with an --out of its own; --merge FILE... brings the lines together.
"""

import argparse
import json
import math
import tempfile
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dropgan.evaluate import FrechetScorer, load_features
from dropgan.evaluate.copies import copy_test
from dropgan.evaluate.discriminator import discriminator_gap
from dropgan.evaluate.features import FeatureNetwork
from dropgan.evaluate.manifold import manifold_scores
from dropgan.evaluate.memorisation import neighbour_test, pixel_vectors
from dropgan.evaluate.reference import reference_features
from dropgan.evaluate.train_mode import has_dropout, train_mode_samples
from dropgan.serve.latents import LatentStream
from dropgan.serve.reporter import SILENT
from dropgan.train import load_images, load_networks, train
from dropgan.train.data import ImageData
from dropgan.train.data.pixels import to_pixels
from dropgan.train.run.kept_plan import machine_name

try:
    from .dropout_plan import CLOTHES, COLOUR, CUDA, SEEDS, Settings, Trial, earlier, quick, rates, whole
except ImportError:  # run as a file
    from dropout_plan import CLOTHES, COLOUR, CUDA, SEEDS, Settings, Trial, earlier, quick, rates, whole  # type: ignore[import-not-found,no-redef]

RUNS = Path(__file__).parents[1] / "docs" / "study" / "runs.jsonl"
HELD_OUT = 2000
SAMPLES = 2000
_SAMPLES_SEED = 2


class Absent(Exception):
    """Data or a device that some runs need."""


@dataclass(frozen=True)
class Judge:
    """The images, and what a run is measured with."""

    images: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    features: FeatureNetwork

    @classmethod
    def clothes(cls, whole: str = "") -> "Judge":
        """On the images that come with dropgan, before the others of the whole set if that is named."""
        embedded = load_images("fashion-mnist-10k").images
        shuffled = embedded[np.random.default_rng(0).permutation(len(embedded))]
        first, held_out = shuffled[:-HELD_OUT], np.ascontiguousarray(shuffled[-HELD_OUT:])
        if whole:
            known = {image.tobytes() for image in embedded}
            more = [image for image in load_images(whole).images if image.tobytes() not in known]
            order = np.random.default_rng(1).permutation(len(more))
            first = np.concatenate((first, np.stack(more)[order]))
        return cls(first, held_out, load_features())

    @classmethod
    def colour(cls, images: str, features: str) -> "Judge":
        """On other images, by the features of that file."""
        if not (images and features):
            raise Absent("runs in colour need --colour and --features")
        found = load_images(images).images
        found = found[np.random.default_rng(0).permutation(len(found))]
        held_out = np.ascontiguousarray(found[-HELD_OUT:])
        return cls(found[:-HELD_OUT], held_out, load_features(features))

    @cached_property
    def scorer(self) -> FrechetScorer:
        """The distance to the held-out images."""
        return FrechetScorer(ImageData(self.held_out, "held-out"), self.features)

    def measure(self, run: Path, count: int) -> dict[str, float]:
        """What there is to say of a finished run on so many images."""
        networks = load_networks(run, "last")
        training = np.ascontiguousarray(self.images[: min(count, 10_000)])
        latents = LatentStream(networks.recipe.generator.latent_dim)(SAMPLES, seed=_SAMPLES_SEED)
        with torch.inference_mode():
            samples = np.concatenate(
                [to_pixels(networks.generator(part)).numpy() for part in torch.from_numpy(latents).split(250)]
            )
        made = self.features(samples).vectors
        mine, other = (
            reference_features(self.features, ImageData(images, "reals")).vectors
            for images in (training, self.held_out)
        )
        copies = copy_test(made, mine, space="features")
        near = neighbour_test(made, mine, other, space="features")
        in_pixels = [pixel_vectors(images) for images in (samples, training, self.held_out)]
        manifold = manifold_scores(other, made)
        gap = discriminator_gap(networks.discriminator, training[:2000], self.held_out, samples)
        result = {
            "distance": self.scorer(samples),
            "precision": manifold.precision[0],
            "coverage": manifold.coverage[0],
            "nearer_to_training": near.nearer_to_training,
            "nearer_in_pixels": neighbour_test(*in_pixels, space="pixels").nearer_to_training,
            "copied": copies.copied,
            "copied_p": copies.p_value,
            "knows_training": gap.knows_training,
        }
        if has_dropout(networks.generator):
            result["train_distance"] = self.scorer(train_mode_samples(networks.generator, latents))
        return {name: round(float(value), 4) for name, value in result.items()}


class Judges:
    """Of each kind of data, loaded when a run first needs it."""

    def __init__(self, clothes: str, colour: str, features: str) -> None:
        self._clothes, self._colour, self._features = clothes, colour, features
        self._known: dict[str, Judge] = {}

    def of(self, trial: Trial) -> Judge:
        """That of a run.

        Raises:
            Absent: What it needs is not here.
        """
        if trial.device == CUDA and not torch.cuda.is_available():
            raise Absent("runs on a GPU need one")
        if trial.data not in self._known:
            self._known[trial.data] = (
                Judge.clothes(self._clothes)
                if trial.data == CLOTHES
                else Judge.colour(self._colour, self._features)
            )
        judge = self._known[trial.data]
        if trial.images > len(judge.images):
            name = {CLOTHES: "--clothes", COLOUR: "--colour"}[trial.data]
            raise Absent(f"runs on {trial.images:,} images need {name}: there are {len(judge.images):,}")
        return judge


def made(trial: Trial, judge: Judge) -> dict[str, Any]:
    """Train it and measure it."""
    began, started = time.monotonic(), time.process_time()
    settings = {**trial.settings, "output.sample_interval": trial.steps}
    with tempfile.TemporaryDirectory() as folder:
        run = train(
            Path(folder) / "run",
            trial.recipe,
            data=judge.images[: trial.images],
            steps=trial.steps,
            seed=trial.seed,
            settings=settings,
            device=trial.device,
            precision="fp32",
            threads=1,
            reporter=SILENT,
        )
        steered = [
            row["discriminator_dropout"] for row in run.read_metrics() if "discriminator_dropout" in row
        ]
        measured = judge.measure(run.path, trial.images)
    return {
        **vars(trial),
        **measured,
        **({"mean_probability": round(float(np.mean(steered)), 4)} if steered else {}),
        "cpu_seconds": round(time.process_time() - started, 1),
        "seconds": round(time.monotonic() - began, 1),
        "processor": machine_name(),
        "gpu": torch.cuda.get_device_name() if trial.device == CUDA else "",
        "torch": torch.__version__,
    }


def read(path: Path) -> list[dict[str, Any]]:
    """The recorded runs."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def merge(out: Path, files: list[Path]) -> int:
    """Add the lines of other files that are of the plan and not there yet; how many there were."""
    planned = {trial.key: number for number, trial in enumerate((*whole(), *earlier()))}
    rows = {Trial.of(row).key: row for path in (*reversed(files), out) for row in read(path)}
    kept = sorted((key for key in rows if key in planned), key=planned.__getitem__)
    before = len(read(out))
    out.write_text("".join(json.dumps(rows[key]) + "\n" for key in kept))
    return len(kept) - before


def chosen(options: argparse.Namespace) -> list[Trial]:
    """The runs that the options ask for, in their order."""
    trials = list(quick() if options.quick else whole())
    first, _, last = options.runs.partition("-")
    wanted = trials[int(first) - 1 : int(last)] if options.runs else trials
    tried = {key: value for key in ("steps", "device") if (value := getattr(options, key))}
    return [replace(trial, **tried) for trial in wanted]


def run_all(trials: list[Trial], judges: Judges, out: Path, seconds: float) -> None:
    """Make those that have no line in ``out``, as long as the next one is likely to end in time."""
    began, longest = time.monotonic(), 0.0
    done = {Trial.of(row).key for row in read(out)}
    left_out: dict[str, int] = {}
    for trial in trials:
        if trial.key in done or time.monotonic() - began + longest > seconds:
            continue
        try:
            judge = judges.of(trial)
        except Absent as absent:
            left_out[str(absent)] = left_out.get(str(absent), 0) + 1
            continue
        row = made(trial, judge)
        longest = max(longest, row["seconds"])
        with out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    for why, count in left_out.items():
        print(f"{count} runs were left out: {why}")


def direction(rows: list[dict[str, Any]]) -> list[str]:
    """What the quick runs say, seed by seed, of two things that the whole study says with more of them."""
    runs = {(row["seed"], json.dumps(row["settings"], sort_keys=True)): row for row in rows}

    def apart(what: str, settings: Settings) -> str:
        ones, others = (json.dumps(some, sort_keys=True) for some in (settings, rates(0.0, 0.0)))
        seeds = [seed for seed in SEEDS if {(seed, ones), (seed, others)} <= runs.keys()]
        return ", ".join(f"{runs[seed, ones][what] - runs[seed, others][what]:+.2f}" for seed in seeds)

    return [
        f"0.5 in the generator: distance {apart('distance', rates(0.5, 0.0))}; above 0 in the study",
        f"0.5 in the discriminator: knows its training images {apart('knows_training', rates(0.0, 0.5))};"
        " below 0 in the study",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--clothes", default="", help="the whole Fashion-MNIST, as --data of dropgan train")
    parser.add_argument("--colour", default="", help="CIFAR-10, as --data of dropgan train")
    parser.add_argument("--features", default="", help="file of features for it")
    parser.add_argument("--runs", default="", metavar="N-M", help="those of --list with these numbers alone")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no run that would end later")
    parser.add_argument("--steps", type=int, help="train for so many, to try a command out")
    parser.add_argument("--device", help="train there, for the same purpose")
    parser.add_argument("--list", action="store_true", help="print the runs and train nothing")
    parser.add_argument("--merge", type=Path, nargs="+", metavar="FILE", help="take over the lines of these")
    options = parser.parse_args()
    out = options.out or (RUNS.with_name("quick.jsonl") if options.quick else RUNS)
    out.parent.mkdir(parents=True, exist_ok=True)
    trials = chosen(options)
    if options.merge:
        print(f"{merge(out, options.merge)} runs are new in {out}")
    elif options.list:
        for number, trial in enumerate(trials, 1):
            print(f"{number:3} {trial.part:8} {trial.key}")
    else:
        run_all(trials, Judges(options.clothes, options.colour, options.features), out, options.seconds)
        if options.quick:
            print(*direction(read(out)), sep="\n")


if __name__ == "__main__":
    main()
