"""The one score for every choice: a Fréchet distance to real images whose features are computed once."""

import numpy as np
from numpy.typing import NDArray

from dropgan.train.data import ImageData

from .distances import FrechetDistance
from .features import FeatureNetwork
from .fitted import features_for
from .reference import reference_features
from .scoring import score_name


class FrechetScorer:
    """Computes Fréchet distances of images to one set of real images.

    Attributes:
        name: Name of the distance, including its features.
    """

    def __init__(
        self, data: ImageData, features: FeatureNetwork | None = None, *, whiten: bool = False
    ) -> None:
        """Compute features of the real images, or load them from the cache.

        Args:
            data: The real images, at least 2.
            features: The feature network; None uses the one for such data.
            whiten: Take the scale out of the features, by the covariance of the real images'
                (`whitening`).

        Raises:
            FeatureError: The feature network is not for images of this shape.
        """
        self._network = features or features_for(data)
        reals = reference_features(self._network, data).vectors
        self._axes = whitening(reals) if whiten else None
        self._distance = FrechetDistance(self._seen(reals))
        self.name = frechet_name(self._network.name, whiten)

    def __call__(self, images: NDArray[np.uint8]) -> float:
        """Return the distance of images uint8 [n, height, width, channels], n at least 2."""
        return self._distance(self._seen(self._network(images).vectors))

    def _seen(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._axes is None:
            return vectors
        whitened: NDArray[np.float32] = (vectors @ self._axes).astype(np.float32)
        return whitened


def frechet_name(features: str, whiten: bool) -> str:
    """The name of the distance in features of that name."""
    return score_name("whitened_frechet_distance" if whiten else "frechet_distance", features)


def whitening(reals: NDArray[np.float32]) -> NDArray[np.float64]:
    """Axes [d, d] on which features [n, d], n at least 2, are uncorrelated and of equal scale.

    A thousandth of the largest variance is added to each, so that axes along which the features hardly
    vary do not count as much as the others.
    """
    values, axes = np.linalg.eigh(np.atleast_2d(np.cov(reals.astype(np.float64).T)))
    scale = np.sqrt(values.clip(min=0) + 1e-3 * max(float(values.max()), 1e-12))
    scaled: NDArray[np.float64] = axes / scale
    return scaled
