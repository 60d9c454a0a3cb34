"""Measure how many images per class are needed before labels help.

    python benchmarks/labels_needed.py --per-class 10 30 100 300 --steps 3000 --seeds 2

Keeps this many images of each of Fashion-MNIST's ten classes, trains the recipe on them without and
with labels, and prints the Fréchet distance of 5,000 samples to all 10,000 images that come with
dropgan, and how many of the samples with labels the domain classifier assigns to the requested
class. `train/recipes/auto.py` is based on it. It uses one thread.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from dropgan.evaluate import FrechetScorer
from dropgan.evaluate.features import load_features
from dropgan.train import change_recipe, load_generator, load_images, load_recipe, train

_SAMPLES = 5000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="conv")
    parser.add_argument("--per-class", type=int, nargs="+", default=[10, 30, 100, 300])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    data = load_images("fashion-mnist-10k")
    assert data.labels is not None
    scorer, network = FrechetScorer(data), load_features()
    for count in options.per_class:
        kept = np.concatenate([np.flatnonzero(data.labels == label)[:count] for label in range(10)])
        for seed in range(options.seeds):
            line = f"{count:5} a class, seed {seed}:"
            for conditional in (False, True):
                settings = {
                    "training.steps": options.steps,
                    "training.seed": seed,
                    "conditional": conditional,
                }
                recipe = change_recipe(load_recipe(options.recipe), settings)
                with tempfile.TemporaryDirectory() as name:
                    run = train(
                        Path(name) / "run",
                        recipe,
                        data=data.images[kept],
                        labels=data.labels[kept],
                        device="cpu",
                        precision="fp32",
                        threads=1,
                    )
                    images, asked = _samples(run, recipe.generator.latent_dim, conditional)
                line += f"  {'with' if conditional else 'without'} labels {scorer(images):.2f}"
                if conditional:
                    line += f", class recognised {np.mean(network(images).logits.argmax(1) == asked):.1%}"
            print(line, flush=True)


def _samples(run: Path, latent_dim: int, conditional: bool) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images [n, 28, 28, 1] and the classes that were asked for, int64 [n]."""
    module = load_generator(run).module
    latents = torch.randn(_SAMPLES, latent_dim, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(_SAMPLES) % 10
    with torch.no_grad():
        images = module(latents, labels) if conditional else module(latents)
    pixels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    return pixels.contiguous().numpy(), labels.numpy()


if __name__ == "__main__":
    main()
