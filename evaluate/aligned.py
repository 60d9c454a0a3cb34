"""Compare pictures in pixels so that shifted, mirrored, brighter or darker copies are still close."""

from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .memorisation import pixel_vectors

_DIMENSIONS = 64
_FITTED = 5000
_SHIFTS = ((0, 0), *((y, x) for y, x in product((-1, 0, 1), repeat=2) if (y, x) != (0, 0)), (0, 2), (0, -2))


class AlignedPixels:
    """Distances of pictures, minimised over shifts of one or two pixels and mirroring.

    Each picture is normalised to mean 0 and norm 1, so brightness and contrast do not count. It is then
    projected on the 64 principal components of the training pictures, which keeps the search cheap and
    removes most of the effect of noise.
    """

    name = "pixels, under shifts, mirroring and brightness"

    def __init__(self, training: NDArray[np.uint8], seed: int = 0) -> None:
        """Fit the components.

        Args:
            training: uint8 [n, height, width, channels].
            seed: Seed of the choice of pictures to which components are fitted.
        """
        some = np.random.default_rng(seed).permutation(len(training))[:_FITTED]
        vectors = _normalised(training[np.sort(some)])
        keep = torch.random.get_rng_state()
        torch.manual_seed(seed)
        try:
            _, _, self._components = torch.svd_lowrank(
                vectors - vectors.mean(0), q=min(_DIMENSIONS, *vectors.shape), niter=2
            )
        finally:
            torch.random.set_rng_state(keep)

    def points(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return pictures uint8 [n, height, width, channels] as points float32 [n, at most 64]."""
        parts = range(0, len(images), 1000)
        return torch.cat([self._project(images[first : first + 1000]) for first in parts]).numpy()

    def variants(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return shifted and mirrored pictures as points float32 [n, 22, at most 64].

        Pixels that a shift uncovers repeat the picture's edge.
        """
        made = [
            self._project(_moved(side, *shift)) for side in (images, images[:, :, ::-1]) for shift in _SHIFTS
        ]
        return torch.stack(made, 1).numpy()

    def _project(self, images: NDArray[np.uint8]) -> Tensor:
        return _normalised(images) @ self._components


def _normalised(images: NDArray[np.uint8]) -> Tensor:
    vectors = torch.from_numpy(pixel_vectors(images))
    vectors = torch.sub(vectors, vectors.mean(1, keepdim=True))
    vectors /= torch.linalg.vector_norm(vectors, dim=1, keepdim=True).clamp(min=1e-6)
    return vectors


def _moved(images: NDArray[np.uint8], down: int, right: int) -> NDArray[np.uint8]:
    rows = np.clip(np.arange(images.shape[1]) - down, 0, images.shape[1] - 1)
    columns = np.clip(np.arange(images.shape[2]) - right, 0, images.shape[2] - 1)
    return np.ascontiguousarray(images[:, rows][:, :, columns])
