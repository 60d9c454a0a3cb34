"""How strongly dropout acts at a step: by schedule, or steered by what the discriminator overfits."""

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
"""Steps from one change of a steered probability to the next."""
_WHOLE_WAY = 64_000  # real samples in which it can go from 0 to its bound


class ScaledDropout:
    """The dropout of a network, each with a share of the probability that it was built with."""

    def __init__(self, network: nn.Module) -> None:
        self._built = [(module, module.p) for module in dropouts(network).values()]

    def scale(self, share: float) -> None:
        """Let each have that share of its probability, 0 to 1."""
        for module, p in self._built:
            module.p = p * share

    @contextmanager
    def off(self) -> Iterator[None]:
        """Within it, none acts; all else stays in its mode."""
        before = [module.training for module, _ in self._built]
        for module, _ in self._built:
            module.training = False
        try:
            yield
        finally:
            for (module, _), training in zip(self._built, before, strict=True):
                module.training = training


def scheduled(settings: NetworkSettings, progress: float) -> float:
    """The share of its probability that a schedule leaves after so much of the run, 0 to 1."""
    return DROPOUT_SCHEDULES[settings.dropout_schedule](progress)


class Steering:
    """The probability of dropout in a discriminator, raised while it overfits and lowered while it does not.

    As Karras et al., "Training generative adversarial networks with limited data", NeurIPS 2020, section 3,
    steer augmentation, and in its appendix dropout: every fourth step the probability moves by a fixed
    amount towards the target. What is measured is one of their two signs of overfitting, both with
    dropout acting: with samples held out, (real - held out) / (real - generated) of the mean logits;
    else the mean sign of the logits of real samples.

    Attributes:
        probability: What dropout has in the steps to come.
        overfitting: As measured last; NaN before the first time.
    """

    def __init__(self, settings: DiscriminatorSettings, batch_size: int) -> None:
        self._bound, self._target = settings.dropout_bound, settings.dropout_target
        self._amount = settings.dropout_bound * INTERVAL * batch_size / _WHOLE_WAY
        self._held_out = settings.held_out > 0
        self.probability, self.overfitting = 0.0, math.nan
        self._sums = torch.zeros(4, dtype=torch.float64)

    @property
    def share(self) -> float:
        """The probability as a share of its bound."""
        return self.probability / self._bound

    @torch.no_grad()
    def observe(self, real: Tensor, generated: Tensor, held_out: Tensor | None) -> None:
        """Take the logits of an update into account, float [n, 1]; held-out ones where there are any."""
        other = real if held_out is None else held_out
        means = torch.stack([real.sign().mean(), real.mean(), generated.mean(), other.mean()])
        self._sums = self._sums.to(means.device) + means.double()

    def adjust(self, updates: int, ranks: Ranks) -> None:
        """Move the probability by what was observed in so many updates, and forget that.

        Args:
            updates: Of this process.
            ranks: The processes, of which each has observed its rows.
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
        """What a checkpoint keeps of it."""
        numbers = torch.tensor([self.probability, self.overfitting], dtype=torch.float64)
        return {"numbers": numbers, "sums": self._sums}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave.

        Raises:
            KeyError: It is of something else.
        """
        self.probability, self.overfitting = tensors["numbers"].tolist()
        self._sums = tensors["sums"].clone()
