"""The units of vectors. Needs numpy alone, for `dropgan inspect` works without onnx and PyTorch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Units:
    """What turns standardised columns back into their own units: ``x * scale + mean``."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    @property
    def step(self) -> NDArray[np.float32]:
        """What differences of each column are measured in: its standard deviation, and 1/32 of its
        mean's size, so that float32's own rounding of a large number is nowhere near 1e-5."""
        return (self.scale + np.abs(self.mean) / 32).astype(np.float32)
