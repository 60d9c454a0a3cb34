"""The metric that training watches, for data that dropgan's own network does not know."""

import numpy as np
import torch

from dropgan.evaluate import ValidationMetric, validation_metric
from dropgan.evaluate.frechet import FrechetScorer
from dropgan.evaluate.random_features import random_features
from dropgan.evaluate.validation.vectors import VectorMetric
from dropgan.train import ImageData, load_images, load_recipe
from dropgan.train.data import VectorData


def test_images_without_a_network_of_their_own_are_scored_too() -> None:
    """Colour images, or others than 28x28: random features must order faults by how bad they are, or the
    weights that are kept as the best would be the worst."""
    images = np.repeat(load_images("fashion-mnist-10k").images[::5, :24], 3, axis=3)
    reals, others = images[:1000], images[1000:]
    scorer = FrechetScorer(ImageData(reals, "colour"), random_features(3))
    noise = np.random.default_rng(0).normal(0, 1, others.shape)
    noisy = [np.clip(others + sigma * noise, 0, 255).round().astype(np.uint8) for sigma in (10, 40)]
    blurred = (
        others.astype(int)[:, :-1, :-1] + others[:, 1:, :-1] + others[:, :-1, 1:] + others[:, 1:, 1:]
    ) // 4
    same = np.repeat(others[:1], 500, axis=0)
    clean, little, much = (scorer(made) for made in (others, *noisy))
    assert clean < little / 1.5 < much / 3
    assert clean < scorer(blurred.astype(np.uint8)) < scorer(same)
    assert scorer.name == "frechet_distance_random"


def test_real_images_beyond_ten_thousand_are_thinned_out() -> None:
    """A data set of a million images must not hold up the first score."""
    images = np.random.default_rng(0).integers(0, 256, (20_001, 8, 8, 1), dtype=np.uint8)
    metric = ValidationMetric(ImageData(images, "many"), 4, features=random_features(1), samples=50)
    assert len(metric._scorer._distance._metric.real_features_num_samples.shape) == 0
    assert int(metric._scorer._distance._metric.real_features_num_samples) == 10_000


def test_vectors_are_scored_too() -> None:
    """A distribution of the same means and covariances but another shape must score worse, or the best
    weights of a run on vectors would be any."""
    random = np.random.default_rng(0)
    two = np.sign(random.normal(size=(4000, 3))) + random.normal(size=(4000, 3)) * 0.1
    data = VectorData(two.astype(np.float32), "corners")
    recipe = load_recipe("seed")
    metric = validation_metric(data, recipe)
    assert isinstance(metric, VectorMetric)

    class Given(torch.nn.Module):
        def __init__(self, vectors: np.ndarray) -> None:
            super().__init__()
            self.vectors = torch.nn.Parameter(torch.from_numpy(vectors).float())

        def forward(self, latents: torch.Tensor) -> torch.Tensor:
            return self.vectors[: len(latents)]

    def value(vectors: np.ndarray) -> float:
        (found,) = metric(Given(vectors)).values()
        return found

    same = np.sign(random.normal(size=(2000, 3))) + random.normal(size=(2000, 3)) * 0.1
    blob = random.normal(size=(2000, 3)) * data.scale
    scores = [value((made - data.mean) / data.scale) for made in (same, blob, blob[:1].repeat(2000, 0))]
    assert scores[0] * 3 < scores[1] < scores[2]
    assert metric.name == "frechet_distance_random_2000"
