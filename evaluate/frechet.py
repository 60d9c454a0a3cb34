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

    def __init__(self, data: ImageData, features: FeatureNetwork | None = None) -> None:
        """Compute features of the real images, or load them from the cache.

        Args:
            data: The real images, at least 2.
            features: The feature network; None uses the one for such data.

        Raises:
            FeatureError: The feature network is not for images of this shape.
        """
        self._network = features or features_for(data)
        self._distance = FrechetDistance(reference_features(self._network, data).vectors)
        self.name = score_name("frechet_distance", self._network.name)

    def __call__(self, images: NDArray[np.uint8]) -> float:
        """Return the distance of images uint8 [n, height, width, channels], n at least 2."""
        return self._distance(self._network(images).vectors)
