"""Score samples with known faults, from mild to severe, in any features.

    python benchmarks/evaluate_ladder.py [--features domain|FILE] [--model model.onnx]

compares with 5,000 of the embedded training images; another 3,000 are held out, and 2,000 are
what faults are made in. Prints a line of Markdown for each rung.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from dropgan.evaluate import Reference, judge_samples, load_features
from dropgan.evaluate.finding import PROBLEM
from dropgan.evaluate.findings import find
from dropgan.serve import Generator
from dropgan.train import ImageData, load_images

Pixels = NDArray[np.uint8]


def blurred(images: Pixels, radius: float) -> Pixels:
    filtered = [Image.fromarray(image[..., 0]).filter(ImageFilter.GaussianBlur(radius)) for image in images]
    return np.stack([np.asarray(image) for image in filtered])[..., None]


def rungs(fresh: Pixels, labels: NDArray[np.int64], training: Pixels) -> Iterator[tuple[str, Pixels]]:
    """Name and images of each rung."""
    random = np.random.default_rng(0)
    yield "unseen real images", fresh
    yield "training images (memorised)", training[: len(fresh)]
    yield (
        "memorised, noise of 8 levels",
        np.clip(training[: len(fresh)] + random.normal(0, 8, fresh.shape), 0, 255).astype(np.uint8),
    )
    for radius in (0.5, 1.0, 2.0):
        yield f"blur of {radius:g} pixels", blurred(fresh, radius)
    for share in (0.005, 0.02, 0.1):
        yield f"{share:.1%} salt", np.where(random.random(fresh.shape) < share, np.uint8(255), fresh)
    for levels in (5, 15, 40):
        noisy = fresh + random.normal(0, levels, fresh.shape)
        yield f"noise of {levels} levels", np.clip(noisy, 0, 255).astype(np.uint8)
    yield "half of the classes", fresh[labels < 5]
    yield "one class", fresh[labels == 1]
    yield "one image", np.repeat(fresh[:1], len(fresh), axis=0)
    yield "pure noise", random.integers(0, 256, fresh.shape).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--features", default="domain")
    parser.add_argument("--model")
    options = parser.parse_args()
    data = load_images("fashion-mnist-10k")
    assert data.labels is not None
    order = np.random.default_rng(0).permutation(len(data.images))
    network = load_features(options.features)
    mine = Reference.of(ImageData(data.images[order[:5000]], "mine"), network, split="training")
    other = Reference.of(ImageData(data.images[order[5000:8000]], "other"), network, split="held-out")
    fresh = order[8000:]
    images = list(rungs(data.images[fresh], data.labels[fresh], mine.data.images))
    if options.model:
        images.insert(1, ("the model", Generator(options.model).sample(len(fresh), seed=1)))
    print("| images | Fréchet | KID | precision | recall | density | coverage | copies | problems found |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, samples in images:
        judged = judge_samples(samples, network(samples), mine, other)
        values = {score.name.removesuffix(f"_{network.name}"): score.value for score in judged.scores}
        kinds = dict.fromkeys(found.kind for found in find(judged.evidence) if found.level == PROBLEM)
        copies = min(judged.evidence.copies, key=lambda test: test.p_value).copied
        numbers = " | ".join(
            f"{values[metric]:.3g}"
            for metric in ("frechet_distance", "kid", "precision", "recall", "density", "coverage")
        )
        print(f"| {name} | {numbers} | {copies:.0%} | {', '.join(kinds) or 'none'} |", flush=True)


if __name__ == "__main__":
    main()
