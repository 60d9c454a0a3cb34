"""The units of vectors. Needs numpy alone, for `dropgan inspect` works without onnx and PyTorch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.kinds.vectors import column_step


@dataclass(frozen=True)
class Units:
    """What turns standardised columns back into their own units: ``x * scale + mean``."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    @property
    def step(self) -> NDArray[np.float32]:
        """What differences of each column are measured in."""
        return column_step(self.mean, self.scale)
