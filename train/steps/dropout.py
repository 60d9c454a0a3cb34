"""The strength of dropout at each step: by a schedule, or adapted to overfitting."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..distributed.ranks import Ranks
from ..networks.dropout import dropouts
from ..networks.schedules import DROPOUT_SCHEDULES
from ..networks.settings import DiscriminatorSettings, NetworkSettings

INTERVAL = 4
"""Interval in steps between changes of an adapted probability."""
_WHOLE_WAY = 64_000  # real samples in which it can go from 0 to its bound


class ScaledDropout:
    """The dropout of a network, with each probability scaled by a share."""

    def __init__(self, network: nn.Module) -> None:
        self._built = [(module, module.p) for module in dropouts(network).values()]

    def scale(self, share: float) -> None:
        """Set the share of each module's probability, 0 to 1."""
        for module, p in self._built:
            module.p = p * share

    @contextmanager
    def off(self) -> Iterator[None]:
        """Turn dropout off for the block without a change of modes."""
        before = [module.training for module, _ in self._built]
        for module, _ in self._built:
            module.training = False
        try:
            yield
        finally:
            for (module, _), training in zip(self._built, before, strict=True):
                module.training = training


def scheduled(settings: NetworkSettings, progress: float) -> float:
    """Return the share of its probability that a schedule leaves at this progress, 0 to 1."""
    return DROPOUT_SCHEDULES[settings.dropout_schedule](progress)


class Steering:
    """Adapts the probability of dropout in a discriminator: raises it while it overfits, and lowers it
    otherwise.

    Karras et al., "Training generative adversarial networks with limited data", NeurIPS 2020, section 3,
    adapt augmentation this way, and in their appendix dropout: every fourth step the probability moves by a
    fixed amount towards the target. Overfitting is measured by one of their two signs, with dropout acting.
    With held-out samples it is (real - held out) / (real - generated) of the mean logits; otherwise it is the
    mean sign of the logits of real samples.

    Attributes:
        probability: Probability of dropout in the next steps.
        overfitting: Last measured value; NaN before the first measurement.
    """

    def __init__(self, settings: DiscriminatorSettings, batch_size: int) -> None:
        self._bound, self._target = settings.dropout_bound, settings.dropout_target
        self._amount = settings.dropout_bound * INTERVAL * batch_size / _WHOLE_WAY
        self._held_out = settings.held_out > 0
        self.probability, self.overfitting = 0.0, math.nan
        self._sums = torch.zeros(4, dtype=torch.float64)

    @property
    def share(self) -> float:
        """The probability as a share of its maximum."""
        return self.probability / self._bound

    @torch.no_grad()
    def observe(self, real: Tensor, generated: Tensor, held_out: Tensor | None) -> None:
        """Record the logits of an update, float [n, 1], including held-out ones if there are any."""
        other = real if held_out is None else held_out
        means = torch.stack([real.sign().mean(), real.mean(), generated.mean(), other.mean()])
        self._sums = self._sums.to(means.device) + means.double()

    def adjust(self, updates: int, ranks: Ranks) -> None:
        """Move the probability by what was recorded in these updates, and reset the record.

        Args:
            updates: Number of updates of this process.
            ranks: The processes. Each has recorded its own rows.
        """
        sums = self._sums if ranks.count == 1 else ranks.sum(self._sums)
        sign, real, generated, held_out = (sums / (updates * ranks.count)).tolist()
        self._sums = torch.zeros_like(self._sums)
        if self._held_out:
            spread = real - generated
            self.overfitting = min(max((real - held_out) / spread, -1.0), 1.0) if spread > 0 else 0.0
        else:
            self.overfitting = sign
        if math.isfinite(self.overfitting):
            moved = self.probability + math.copysign(self._amount, self.overfitting - self._target)
            self.probability = min(max(moved, 0.0), self._bound)

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors for a checkpoint."""
        numbers = torch.tensor([self.probability, self.overfitting], dtype=torch.float64)
        return {"numbers": numbers, "sums": self._sums}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Restore the result of `tensors`.

        Raises:
            KeyError: A tensor is missing.
        """
        self.probability, self.overfitting = tensors["numbers"].tolist()
        self._sums = tensors["sums"].clone()
