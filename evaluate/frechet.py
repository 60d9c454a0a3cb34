"""Fréchet distance between generated and real images in a network's features."""

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.image.fid import FrechetInceptionDistance

from .domain import domain_network

_BATCH = 500


class FrechetScorer:
    """Fréchet distances to one set of real images, whose features are computed once.

    Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash
    equilibrium", NeurIPS 2017, equation 6, with the domain network in Inception's place:
    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of the features' means and covariances.
    """

    def __init__(self, reals: NDArray[np.uint8]) -> None:
        """Compute the real features.

        Args:
            reals: uint8 [n, 28, 28, 1], n at least 2.

        Raises:
            FeatureError: The images have another shape.
        """
        self._metric = FrechetInceptionDistance(feature=domain_network(), reset_real_features=False)
        self._update(reals, real=True)

    def __call__(self, images: NDArray[np.uint8]) -> float:
        """The distance of generated images uint8 [n, 28, 28, 1], n at least 2."""
        self._metric.reset()
        self._update(images, real=False)
        return float(self._metric.compute())

    @torch.inference_mode()
    def _update(self, images: NDArray[np.uint8], *, real: bool) -> None:
        for first in range(0, len(images), _BATCH):
            part = np.array(images[first : first + _BATCH])  # a copy: torch wants to own what it reads
            self._metric.update(torch.from_numpy(part), real=real)
