"""The validation metric of training on images: a fast Fréchet distance of the averaged generator."""

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dropgan.serve.latents import LatentStream
from dropgan.serve.reporter import SILENT, Reporter
from dropgan.train import Recipe
from dropgan.train.data import ImageData, TrainingData
from dropgan.train.data.pixels import to_pixels
from dropgan.train.features.source import fingerprint_of
from dropgan.train.kind import load
from dropgan.train.kinds import training_kind
from dropgan.train.monitor import Score

from ..features import FeatureNetwork
from ..fitted import features_for
from ..frechet import FrechetScorer, frechet_name
from ..random_features import RANDOM
from .size import MOST_REAL, SAMPLES, SEED

_BATCH = 250


class ValidationMetric:
    """Scores a generator in eval mode with the code, features and latents of `evaluate`.

    The features of real images are computed at the first score and then cached. The
    samples are few and always from the same latents, so that two checkpoints differ by their weights
    alone. Values are comparable with each other, not with those of more samples.

    Attributes:
        name: Name of the value, including its features and number of samples.
    """

    def __init__(
        self,
        data: ImageData,
        latent_dim: int,
        *,
        features: FeatureNetwork | None = None,
        labels: NDArray[np.int64] | None = None,
        samples: int = SAMPLES,
        seed: int = SEED,
        whiten: bool = False,
    ) -> None:
        """Create the metric.

        Args:
            data: The real images; of more than 10,000, as many are used, evenly spread.
            latent_dim: Size of the generator's latents.
            features: The feature network; None uses the one for such data.
            labels: int64 [samples] for a class-conditional generator, otherwise None.
            samples: Number of generated samples for a score.
            seed: Seed of the samples.
            whiten: Take the scale out of the features, as `FrechetScorer` does.
        """
        self._data, self._features = data, features or features_for(data)
        self._samples, self._seed = samples, seed
        self._labels = None if labels is None else torch.from_numpy(labels)
        self._stream = LatentStream(latent_dim)
        self._whiten = whiten
        self.name = f"{frechet_name(self._features.name, whiten)}_{samples}"

    @cached_property
    def _scorer(self) -> FrechetScorer:
        data = self._data
        if len(data.images) > MOST_REAL:
            rows = np.linspace(0, len(data.images) - 1, MOST_REAL).astype(np.int64)
            data = ImageData(np.ascontiguousarray(data.images[rows]), data.name)
        return FrechetScorer(data, self._features, whiten=self._whiten)

    @torch.inference_mode()
    def __call__(self, generator: nn.Module) -> dict[str, float]:
        """Score a generator's samples. The result is the distance by its name, as `dropgan.train` needs it.

        The generator's mode and torch's random state do not change.

        Args:
            generator: Latents float32 [n, latent_dim], and labels int64 [n] if it is conditional, to
                images [n, c, h, w], -1 to 1.

        Raises:
            FeatureError: The feature network is not for images of this shape.
        """
        training = generator.training
        generator.eval()
        try:
            parts = [self._part(generator, first) for first in range(0, self._samples, _BATCH)]
        finally:
            generator.train(training)
        return {self.name: self._scorer(np.concatenate(parts))}

    def _part(self, generator: nn.Module, first: int) -> NDArray[np.uint8]:
        device = next(generator.parameters()).device
        count = min(_BATCH, self._samples - first)
        latents = torch.from_numpy(self._stream(count, seed=self._seed, start=first)).to(device)
        if self._labels is None:
            samples = generator(latents)
        else:
            samples = generator(latents, self._labels[first : first + count].to(device))
        images: NDArray[np.uint8] = to_pixels(samples).cpu().numpy()
        return images


def validation_metric(data: TrainingData, recipe: Recipe, reporter: Reporter = SILENT) -> Score:
    """Return the metric for a run on this data.

    For a class-conditional generator, samples have the data's mixture of labels; clusters are all alike.

    Args:
        data: The real samples.
        recipe: The run's.
        reporter: Receives progress of what the metric prepares, such as features fitted to images.
    """
    labels = None
    if recipe.clusters:
        labels = np.arange(SAMPLES) % recipe.clusters
    elif recipe.conditional and data.labels is not None:
        rows = np.linspace(0, len(data.labels) - 1, SAMPLES).astype(np.int64)
        labels = np.ascontiguousarray(data.labels[rows])
    made: Score = load(training_kind(data.kind).metric)(data, recipe, labels, reporter)
    return made


def image_metric(
    data: ImageData, recipe: Recipe, labels: NDArray[np.int64] | None, reporter: Reporter = SILENT
) -> ValidationMetric:
    """Return the metric for a run on images.

    Clothes use the network that comes with dropgan, other images one that is fitted to them once, both
    whitened. Fewer than 500 images use a fixed network with random weights, not whitened. A network inside
    the run's own discriminator is not used.
    """
    seen = fingerprint_of(getattr(recipe.discriminator, "features", "auto"))
    features = features_for(data, seen=seen, reporter=reporter)
    dim, whiten = recipe.generator.latent_dim, features.name != RANDOM
    return ValidationMetric(data, dim, features=features, labels=labels, whiten=whiten)
