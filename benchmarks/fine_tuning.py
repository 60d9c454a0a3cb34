"""Compare fine-tuning on 500 images with training from scratch on them, at equal steps.

    python benchmarks/fine_tuning.py

A model of the garments of Fashion-MNIST (every class but sandals, sneakers and ankle boots) is trained
once. Then 500 images of footwear, of which it saw none, are learned from scratch, from that model, and
from that model with the lower layers of the discriminator frozen (FreezeD). Prints the Fréchet distance
of the averaged generators to the footwear that no run saw. One thread.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np

from dropgan.evaluate import ValidationMetric
from dropgan.train import ImageData, change_recipe, load_generator, load_images, load_recipe, train

FOOTWEAR = (5, 7, 9)  # sandals, sneakers, ankle boots
VARIANTS: dict[str, tuple[bool, int]] = {
    "from scratch": (False, 0),
    "fine-tuned": (True, 0),
    "fine-tuned, 1 layer frozen": (True, 1),
    "fine-tuned, 2 layers frozen": (True, 2),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--first-steps", type=int, default=4000, help="of the model of garments")
    parser.add_argument("--steps", type=int, nargs="+", default=[250, 1000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--precision", default="bf16")
    options = parser.parse_args()

    data = load_images(options.data)
    assert data.labels is not None
    footwear = np.isin(data.labels, FOOTWEAR)
    shoes = np.random.default_rng(0).permutation(data.images[footwear])
    recipe = load_recipe("mlp")
    held_out = ImageData(shoes[options.images :], "footwear that no run saw")
    metric = ValidationMetric(held_out, recipe.generator.latent_dim, samples=options.samples)
    how = {"device": "cpu", "precision": options.precision, "threads": 1}

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "garments.npy", data.images[~footwear])
        np.save(folder / "shoes.npy", shoes[: options.images])
        first = change_recipe(recipe, {"training.steps": options.first_steps})
        train(folder / "garments", first, data=str(folder / "garments.npy"), **how)
        (before,) = metric(load_generator(folder / "garments").module).values()
        print(f"the model of garments itself: {before:.1f}", flush=True)
        for steps in options.steps:
            for variant, (begin, frozen) in VARIANTS.items():
                scores = []
                for seed in range(options.seeds):
                    settings = {
                        "training.steps": steps,
                        "training.seed": seed + 1,
                        "discriminator.frozen_layers": frozen,
                    }
                    run = train(
                        folder / f"{variant}-{steps}-{seed}",
                        change_recipe(recipe, settings),
                        data=str(folder / "shoes.npy"),
                        init_from=folder / "garments" if begin else None,
                        **how,
                    )
                    scores += metric(load_generator(run.path).module).values()
                print(
                    f"{steps:>5} steps  {variant:<28}{statistics.median(scores):6.2f}"
                    f"   (seeds: {', '.join(f'{score:.2f}' for score in scores)})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
