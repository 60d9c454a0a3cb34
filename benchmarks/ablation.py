"""Measure the effect of each part of recipe mlp, and of each regulariser and loss that it does not use.

    python benchmarks/ablation.py --data fashion-mnist --steps 2500

One part at a time is removed or added, and every variant trains equally many steps. --images 500 shows
the effect on little data.

Prints the Fréchet distance of the exported file of each variant, and training steps per CPU second,
because a part that costs time must be worth it. It uses one thread, and one seed unless --seeds says
more. A single seed shows only large differences.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from dropgan.evaluate import FrechetScorer
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.train import change_recipe, load_images, load_recipe, train

VARIANTS: dict[str, dict[str, object]] = {
    "mlp": {},
    "no texture": {"discriminator.texture_weight": 0.0},
    "no R1": {"penalty.r1_weight": 0.0},
    "no average": {"training.ema_decay": 0.0},
    "constant rates": {"training.schedule": "constant"},
    "rates / 4": {"generator.learning_rate": 5e-4, "discriminator.learning_rate": 5e-4},
    "beta1 0.5": {"training.beta1": 0.5},
    "no dropout": {"generator.dropout": 0.0, "discriminator.dropout": 0.0},
    "dropout G 0.03 D 0.05": {"generator.dropout": 0.03, "discriminator.dropout": 0.05},
    "dropout G 0 D 0.2": {"generator.dropout": 0.0, "discriminator.dropout": 0.2},
    "dropout G 0.2 D 0": {"generator.dropout": 0.2, "discriminator.dropout": 0.0},
    "dropout G 0.5 D 0.5": {"generator.dropout": 0.5, "discriminator.dropout": 0.5},
    "dropout last layer": {"generator.dropout_layers": "last", "discriminator.dropout_layers": "last"},
    "batch norm G": {"generator.normalisation": "batch", "generator.dropout_layers": "last"},
    "batch norm D": {
        "discriminator.normalisation": "batch",
        "discriminator.dropout_layers": "last",
        "penalty.r1_weight": 0.0,
    },
    "spectral norm D": {"discriminator.spectral_norm": True},
    "spectral norm D, no R1": {"discriminator.spectral_norm": True, "penalty.r1_weight": 0.0},
    "weight decay 0.1": {"generator.weight_decay": 0.1, "discriminator.weight_decay": 0.1},
    "label smoothing 0.1": {"training.label_smoothing": 0.1},
    "augmentation": {"training.augmentation": ["colour", "translation", "cutout"]},
    "minimax": {"training.loss": "minimax"},
    "hinge": {"training.loss": "hinge"},
    "relativistic": {"training.loss": "relativistic"},
    "relativistic, R1 and R2": {"training.loss": "relativistic", "penalty.r2_weight": 1.0},
    "R2 beside R1": {"penalty.r2_weight": 1.0},
    "approximate R1": {"penalty.r1_weight": 0.0, "penalty.approximate_r1_weight": 100.0},
    "approximate R1, as heavy as R1": {
        "penalty.r1_weight": 0.0,
        "penalty.approximate_r1_weight": 5000.0,  # 2 * 5000 * 0.01 ** 2 is 1
    },
    "hinge, spectral norm D": {
        "training.loss": "hinge",
        "discriminator.spectral_norm": True,
        "penalty.r1_weight": 0.0,
    },
    "WGAN-GP": {
        "training.loss": "wasserstein",
        "penalty.r1_weight": 0.0,
        "penalty.wgan_gp_weight": 10.0,
    },
    "WGAN-GP, 5 steps of D": {
        "training.loss": "wasserstein",
        "penalty.r1_weight": 0.0,
        "penalty.wgan_gp_weight": 10.0,
        "training.discriminator_steps": 5,
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--images", type=int, help="train on so many of the images, score against all")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--only", nargs="+", default=list(VARIANTS))
    options = parser.parse_args()
    everything = load_images(options.data)
    scorer = FrechetScorer(everything)
    base = change_recipe(load_recipe("mlp"), {"training.steps": options.steps})
    with tempfile.TemporaryDirectory() as name:
        data = options.data
        if options.images:
            data = str(Path(name) / "some.npy")
            np.save(data, everything.images[:: len(everything.images) // options.images][: options.images])
        for variant in options.only:
            scores, rates = [], []
            for seed in range(options.seeds):
                folder = Path(name) / f"{variant}-{seed}"
                recipe = change_recipe(base, {**VARIANTS[variant], "training.seed": seed})
                started = time.process_time()
                train(folder, recipe, data=data, device="cpu", precision=options.precision, threads=1)
                rates.append(options.steps / (time.process_time() - started))
                export(folder, folder / "model.onnx")
                scores.append(scorer(Generator(folder / "model.onnx", device="cpu").sample(10_000, seed=1)))
            spread = f" ({min(scores):.2f} to {max(scores):.2f})" if len(scores) > 1 else ""
            rate = statistics.median(rates)
            print(f"{variant:<24}{statistics.median(scores):6.2f}{spread}   {rate:5.1f} steps/s", flush=True)


if __name__ == "__main__":
    main()
