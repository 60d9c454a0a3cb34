"""The validation metric of training on vectors."""

import math
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dropgan.serve.latents import LatentStream
from dropgan.serve.reporter import SILENT, Reporter
from dropgan.train import Recipe
from dropgan.train.data import VectorData

from ..distances import FrechetDistance
from ..random_features import RANDOM
from ..scoring import score_name
from .size import MOST_REAL, SAMPLES, SEED

_SEED = 0
_FEATURES = 64  # of each kind


class VectorMetric:
    """The Fréchet distance of standardised vectors in fixed random features.

    The features are 64 random projections (the columns themselves if there are fewer) and 64 rectified ones.
    The mean and covariance of the latter distinguish distributions whose columns agree in their own means and
    covariances (Rahimi and Recht, "Weighted sums of random kitchen sinks", NeurIPS 2008). Values are
    comparable within one data set, with equally many samples.

    Attributes:
        name: Name of the value.
    """

    def __init__(
        self,
        data: VectorData,
        latent_dim: int,
        *,
        labels: NDArray[np.int64] | None,
        samples: int,
        most_real: int,
        seed: int,
    ) -> None:
        """Prepare the metric; arguments are those of `ValidationMetric`."""
        self._data, self._most_real = data, most_real
        self._latents = torch.from_numpy(LatentStream(latent_dim)(samples, seed=seed))
        self._labels = None if labels is None else torch.from_numpy(labels)
        width = data.vectors.shape[1]
        draws = torch.from_numpy(LatentStream(width)(2 * _FEATURES, seed=_SEED)).T / math.sqrt(width)
        self._linear = torch.eye(width) if width <= _FEATURES else draws[:, :_FEATURES]
        self._rectified = draws[:, _FEATURES:]
        self._offsets = torch.linspace(-1, 1, _FEATURES)
        self.name = f"{score_name('frechet_distance', RANDOM)}_{samples}"

    @cached_property
    def _distance(self) -> FrechetDistance:
        data = self._data
        rows = np.linspace(0, len(data) - 1, min(len(data), self._most_real)).astype(np.int64)
        places = np.random.default_rng(_SEED).random((len(rows), data.shape[0]))  # of point masses
        reals = data.spread.standard(data.vectors[rows].astype(np.float64), places)
        return FrechetDistance(self._features(torch.from_numpy(reals).float()))

    @torch.inference_mode()
    def __call__(self, generator: nn.Module) -> dict[str, float]:
        """Score a generator's samples. The result is the distance by its name, as `dropgan.train` needs it.

        Args:
            generator: Generator in eval mode: latents float32 [n, latent_dim], and labels int64 [n] if it is
                conditional, to standardised vectors [n, columns].
        """
        device = next(generator.parameters()).device
        inputs = [part.to(device) for part in (self._latents, self._labels) if part is not None]
        return {self.name: self._distance(self._features(generator(*inputs).float().cpu()))}

    def _features(self, vectors: torch.Tensor) -> NDArray[np.float32]:
        rectified = torch.relu(vectors @ self._rectified + self._offsets)
        features: NDArray[np.float32] = torch.cat((vectors @ self._linear, rectified), 1).numpy()
        return features


def vector_metric(
    data: VectorData, recipe: Recipe, labels: NDArray[np.int64] | None, _: Reporter = SILENT
) -> VectorMetric:
    """Return the metric for a run on vectors."""
    dim = recipe.generator.latent_dim
    return VectorMetric(data, dim, labels=labels, samples=SAMPLES, most_real=MOST_REAL, seed=SEED)
