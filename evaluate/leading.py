"""The metric that training watches: the Fréchet distance of the averaged generator, cheaply."""

import numpy as np
import torch
from torch import nn

from ..serve.labels import LabelStream
from ..serve.latents import LatentStream
from ..train.data import ImageData
from ..train.pixels import to_pixels
from .features import FeatureNetwork
from .frechet import FrechetScorer

SAMPLES = 2000
_BATCH = 250


class LeadingMetric:
    """Scores a generator in eval mode with the code, features and latents of `evaluate`.

    The real images are looked at once (and found in the cache the next time), the samples are few
    and always of the same latents, so that two checkpoints differ by their weights alone. Values
    compare with one another, not with those of more samples.

    Attributes:
        name: Of the value, its features and samples in it.
    """

    def __init__(
        self,
        data: ImageData,
        latent_dim: int,
        *,
        classes: int = 0,
        features: FeatureNetwork | None = None,
        samples: int = SAMPLES,
        seed: int = 1,
    ) -> None:
        """Look at the real images.

        Args:
            data: The real images.
            latent_dim: Components of the generator's latents.
            classes: Number of classes of a conditional generator, else 0.
            features: The feature network; None takes the one that comes with dropgan.
            samples: Generated samples a score.
            seed: Of the latent and label streams.

        Raises:
            FeatureError: The feature network is not for images of this shape.
        """
        self._scorer = FrechetScorer(data, features)
        self._samples, self._seed = samples, seed
        self._stream = LatentStream(latent_dim)
        self._labels = LabelStream(classes) if classes else None
        self.name = f"{self._scorer.name}_{samples}"

    @torch.inference_mode()
    def __call__(self, generator: nn.Module) -> dict[str, float]:
        """The distance of a generator's samples, by its name, as `dropgan.train` wants a score.

        The generator's mode and torch's random state are left as they are.

        Args:
            generator: Latents float32 [n, latent_dim], and labels int64 [n] with classes, to images
                [n, c, h, w], -1 to 1.
        """
        training = generator.training
        device = next(generator.parameters()).device
        generator.eval()
        try:
            parts = [
                to_pixels(generator(*(part.to(device) for part in self._inputs(first)))).cpu()
                for first in range(0, self._samples, _BATCH)
            ]
        finally:
            generator.train(training)
        images = np.concatenate([part.numpy() for part in parts])
        return {self.name: self._scorer(images)}

    def _inputs(self, first: int) -> list[torch.Tensor]:
        count = min(_BATCH, self._samples - first)
        inputs = [torch.from_numpy(self._stream(count, seed=self._seed, start=first))]
        if self._labels is not None:
            inputs.append(torch.from_numpy(self._labels(count, seed=self._seed, start=first)))
        return inputs
