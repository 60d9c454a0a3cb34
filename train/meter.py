"""What a line of metrics is made of, summed on the device until the line is due."""

import math
import time

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from .state import TrainingState


class Meter:
    """Means since the last line. Nothing is read from the device before `row`, and then at once."""

    def __init__(self, device: torch.device, batch_size: int, seconds: float) -> None:
        """Begin to measure.

        Args:
            device: Where training computes.
            batch_size: Real samples a step, and as many generated ones.
            seconds: Training time before now.
        """
        self._device, self._batch_size = device, batch_size
        self._started = time.monotonic() - seconds
        self.reset()

    def reset(self) -> None:
        """Forget what was summed."""
        self._losses = torch.zeros(2, device=self._device)
        self._judged_real = torch.zeros(2, device=self._device, dtype=torch.int64)
        self._steps, self._since = 0, time.monotonic()

    def add(self, discriminator_loss: Tensor, generator_loss: Tensor, judged_real: Tensor) -> None:
        """Count a step.

        Args:
            discriminator_loss: float32 [].
            generator_loss: float32 [].
            judged_real: int64 [2], how many real and how many generated samples got a logit above 0.
        """
        self._losses += torch.stack((discriminator_loss, generator_loss))
        self._judged_real += judged_real
        self._steps += 1

    def row(self, state: TrainingState) -> dict[str, float]:
        """The line for ``state.step``, after at least one step; sets ``state.seconds`` and begins anew.

        Accuracies are shares judged rightly, dropout acting; gradients are those of the last step.
        """
        now = time.monotonic()
        state.seconds = now - self._started
        norms = [
            norm
            for network in (state.discriminator, state.generator)
            for norm in (_norm(network, gradients=True), _norm(network, gradients=False))
        ]
        shares = self._judged_real / (self._steps * self._batch_size)
        numbers = torch.cat((self._losses / self._steps, shares, torch.stack(norms))).tolist()
        names = (
            "discriminator_loss",
            "generator_loss",
            "accuracy_real",
            "accuracy_generated",
            "discriminator_gradient",
            "discriminator_weights",
            "generator_gradient",
            "generator_weights",
        )
        row: dict[str, float] = {"step": state.step, **dict(zip(names, numbers, strict=True))}
        row["accuracy_generated"] = 1 - row["accuracy_generated"]
        row |= {"steps_per_second": self._steps / max(now - self._since, 1e-9), "seconds": state.seconds}
        self.reset()
        return row


def _norm(network: nn.Module, *, gradients: bool) -> Tensor:
    """Length of all weights, or of their gradients, as one vector: float32 []."""
    weights = list(network.parameters())
    tensors = [weight.grad for weight in weights if weight.grad is not None] if gradients else weights
    if not tensors:
        return torch.full((), math.nan, device=weights[0].device)
    return get_total_norm([tensor.detach() for tensor in tensors]).float()
