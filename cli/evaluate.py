"""dropgan evaluate"""

import dataclasses
from typing import Annotated

import typer

from . import options
from .output import result, result_json, say


def evaluate(
    model: options.Model,
    data: options.Data = "fashion-mnist-10k",
    data_dir: options.DataDir = None,
    samples: Annotated[int, typer.Option("--samples", "-n", min=2, help="Generated samples.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which stream of samples.")] = 1,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a model file as it ships: Fréchet distance to real images in the domain network's features."""
    from ..evaluate import evaluate as evaluate_model
    from ..serve import Generator
    from ..train import load_images

    generator = Generator(model)
    images = load_images(data, data_dir)
    say(f"scoring {samples:,} samples against {len(images.images):,} images of {images.name}", quiet=quiet)
    scores = evaluate_model(generator, images, samples=samples, seed=seed)
    if json:
        result_json(
            {"model": str(model), "seed": seed, "scores": [dataclasses.asdict(score) for score in scores]}
        )
        return
    for score in scores:
        against = f"{score.samples:,} samples against {score.reference}; lower is better"
        result(f"{score.name}  {score.value:.3f}  ({against})")
