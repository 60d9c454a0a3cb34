"""Scores of a model file as it ships: sampled through the light runtime, in the deployed mode."""

from pathlib import Path

from ..serve import Generator
from ..serve.card import ScoreCard
from ..serve.errors import InputError
from ..train.data import ImageData
from .frechet import FrechetScorer

DEFAULT_SAMPLES = 10_000


def evaluate(
    model: Path | str | Generator, data: ImageData, *, samples: int = DEFAULT_SAMPLES, seed: int = 1
) -> tuple[ScoreCard, ...]:
    """Score an exported generator against real images.

    Args:
        model: A model file, or a generator opened from one.
        data: The real images.
        samples: Generated samples; fewer bias the distance upwards.
        seed: Of the latent stream. Not the run's own seed, whose first samples its grids show.

    Returns:
        The scores.

    Raises:
        ModelError: The file is no model of dropgan's.
        FeatureError: The feature network is not for images of this shape.
        InputError: There are too few samples, or the file gives no pixels.
    """
    if samples < 2:
        raise InputError(f"scores need at least 2 samples, not {samples}")
    generator = model if isinstance(model, Generator) else Generator(model)
    if generator.card.export.output != "pixels":
        raise InputError("scores are of pixels: export the model with --output pixels")
    if generator.sample_shape != data.images.shape[1:]:
        raise InputError(
            f"the model makes images of shape {list(generator.sample_shape)},"
            f" {data.name} has {list(data.images.shape[1:])}"
        )
    distance = FrechetScorer(data.images)(generator.sample(samples, seed=seed))
    reference = f"{len(data.images):,} of {data.name}"
    return (ScoreCard("frechet_distance_domain", distance, samples, reference),)
