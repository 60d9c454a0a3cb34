"""A loss from one file: least squares (Mao et al. 2017, LSGAN)."""

from collections.abc import Callable

import numpy as np
import pytest
from torch import Tensor

from dropgan.train.objective.losses import LOSSES, Loss

from .conftest import WholeWay


class LeastSquares(Loss):
    """Logits of real samples are pulled to 1, those of generated ones to 0."""

    name = "least-squares"

    def discriminator(self, real: Tensor, generated: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return ((real - 1 + label_smoothing) ** 2).mean() + (generated**2).mean()

    def generator(self, generated: Tensor, real: Callable[[], Tensor]) -> Tensor:
        return ((generated - 1) ** 2).mean()


def test_a_loss(whole_way: WholeWay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registering is all: the recipe takes its name, and training, health and metrics take it from there."""
    monkeypatch.setattr(LOSSES, "_things", dict(LOSSES._things))
    LOSSES.register(LeastSquares())
    samples = whole_way("training.loss=least-squares")
    assert (samples.shape, samples.dtype) == ((10, 28, 28, 1), np.uint8)
