"""From samples as data have them to what networks see."""

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .spread import Spread


class Scaling(Protocol):
    """First the order of a sample's axes, once; then, batch by batch, from stored values to float32."""

    @property
    def drawn(self) -> int:
        """How many random numbers a sample takes."""
        ...

    def arranged(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Samples [n, ...] as data have them, their axes as networks have them; a view where that will do."""
        ...

    def __call__(self, samples: Tensor, random: Tensor | None) -> Tensor:
        """Scale a batch.

        Args:
            samples: As they are stored, [n, *shape] of the networks, on any device.
            random: float64 [n, drawn] on it, evenly between 0 and 1; None where none are taken.
        """
        ...


class FromPixels:
    """uint8 0 to 255 as -1 to 1."""

    drawn = 0

    def arranged(self, samples: NDArray[Any]) -> NDArray[Any]:
        """NHWC to NCHW; for grey images the same order of bytes."""
        return np.moveaxis(samples, 3, 1)

    def __call__(self, samples: Tensor, random: Tensor | None) -> Tensor:
        return samples.to(torch.float32).mul_(1 / 127.5).sub_(1)


FROM_PIXELS = FromPixels()


class SpreadOut:
    """`Spread.standard` in float64: a column of large numbers may vary by little.

    It takes a random number for each column with a point mass: where in its interval the mass falls.
    """

    def __init__(self, spread: Spread) -> None:
        places = np.flatnonzero(spread.width)
        self.drawn = len(places)
        self._parts = tuple(
            torch.from_numpy(part)
            for part in (spread.mean, spread.scale, places, spread.mass[places], spread.width[places])
        )

    def arranged(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Rows as they are."""
        return samples

    def __call__(self, samples: Tensor, random: Tensor | None) -> Tensor:
        """float32 [n, columns] from rows in their own units."""
        if self._parts[0].device != samples.device:
            self._parts = tuple(part.to(samples.device) for part in self._parts)
        mean, scale, columns, mass, width = self._parts
        wide = samples.to(torch.float64)
        if random is not None:
            values = wide[:, columns]
            above = torch.where(values == mass, random, (values > mass).to(torch.float64))
            wide = wide.index_add(1, columns, above * width)
        return wide.sub_(mean).div_(scale).to(torch.float32)
