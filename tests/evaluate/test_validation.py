"""The metric that training watches, for data that dropgan's own network does not know."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dropgan.evaluate import ValidationMetric, validation_metric
from dropgan.evaluate.frechet import FrechetScorer, whitening
from dropgan.evaluate.random_features import random_features
from dropgan.evaluate.validation.vectors import VectorMetric
from dropgan.serve.reporter import Progress, Reporter
from dropgan.train import ImageData, load_images, load_recipe
from dropgan.train.data import VectorData


def test_images_without_a_network_of_their_own_are_scored_too() -> None:
    """Colour images, or others than 28x28: random features must order faults by how bad they are, or the
    weights that are kept as the best would be the worst."""
    images = np.repeat(load_images("fashion-mnist-10k").images[::10, :24], 3, axis=3)
    reals, others = images[:500], images[500:]
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


def test_what_training_watches_is_fitted_to_the_data_and_whitened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random features call digits of a barely trained generator better than those of a trained one: the
    weights that are kept would not be the best. A run that is resumed must watch the same distance, and
    nobody must wait for the fit without seeing it go on."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    turned = np.zeros((600, 8, 8, 3), np.uint8)
    turned[:, :3] = np.random.default_rng(0).integers(100, 256, (600, 3, 8, 3))  # light above, dark below
    data = ImageData(turned, "skies.npz")
    recipe = load_recipe("conv")
    shown: list[Progress] = []
    metric = validation_metric(data, recipe, Reporter(progress=shown.append, say=lambda _: None))
    assert shown[-1].done == shown[-1].total
    again = validation_metric(data, recipe)
    assert isinstance(metric, ValidationMetric)
    assert isinstance(again, ValidationMetric)
    assert metric.name == again.name == "whitened_frechet_distance_fitted_skies_2000"
    assert metric._scorer(turned[:300]) == again._scorer(turned[:300])
    assert metric._scorer(turned[:300]) < metric._scorer(turned[:300, ::-1]) / 3
    few = validation_metric(ImageData(turned[:400], "few"), recipe)
    assert isinstance(few, ValidationMetric)
    assert few.name == "frechet_distance_random_2000"


def test_whitened_features_are_of_one_scale() -> None:
    """A feature of large variance would drown what the others see."""
    random = np.random.default_rng(0)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    reals = (random.normal(size=(4000, 3)) * [10, 3, 1] @ turn).astype(np.float32)
    found = np.cov((reals @ whitening(reals)).T)
    assert found == pytest.approx(np.eye(3), abs=0.12)
    flat = np.ones((5, 3), np.float32)
    assert np.isfinite(whitening(flat)).all()


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
