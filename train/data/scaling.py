"""Convert samples from their stored form to the networks' input."""

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .spread import Spread


class Scaling(Protocol):
    """Arranges the axes of all samples once, then converts stored values to float32 batch by batch."""

    @property
    def drawn(self) -> int:
        """Number of random numbers per sample."""
        ...

    def arranged(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return samples [n, ...] with the networks' order of axes, as a view if possible."""
        ...

    def __call__(self, samples: Tensor, random: Tensor | None) -> Tensor:
        """Scale a batch.

        Args:
            samples: Stored values in the networks' shape [n, *shape], on any device.
            random: float64 [n, drawn] on the same device, uniform between 0 and 1; None if ``drawn`` is 0.
        """
        ...


class FromPixels:
    """Scales uint8 0 to 255 to -1 to 1."""

    drawn = 0

    def arranged(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Convert NHWC to NCHW; for grey images the bytes keep their order."""
        return np.moveaxis(samples, 3, 1)

    def __call__(self, samples: Tensor, random: Tensor | None) -> Tensor:
        return samples.to(torch.float32).mul_(1 / 127.5).sub_(1)


FROM_PIXELS = FromPixels()


class SpreadOut:
    """Applies `Spread.standard` in float64, because a column of large numbers may vary little.

    It takes one random number for each column with a point mass: the position in the mass's interval.
    """

    def __init__(self, spread: Spread) -> None:
        places = np.flatnonzero(spread.width)
        self.drawn = len(places)
        self._parts = tuple(
            torch.from_numpy(part)
            for part in (spread.mean, spread.scale, places, spread.mass[places], spread.width[places])
        )

    def arranged(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return rows unchanged."""
        return samples

    def __call__(self, samples: Tensor, random: Tensor | None) -> Tensor:
        """Return float32 [n, columns] from rows in their own units."""
        if self._parts[0].device != samples.device:
            self._parts = tuple(part.to(samples.device) for part in self._parts)
        mean, scale, columns, mass, width = self._parts
        wide = samples.to(torch.float64)
        if random is not None:
            values = wide[:, columns]
            above = torch.where(values == mass, random, (values > mass).to(torch.float64))
            wide = wide.index_add(1, columns, above * width)
        return wide.sub_(mean).div_(scale).to(torch.float32)
