"""Sum the metrics on the device until a line is due."""

import math
import time

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from ..objective.losses import LOSSES
from ..recipes.settings import Recipe
from ..steps.state import TrainingState
from ..steps.step import StepOutcome


class Meter:
    """Means since the last line. Values are read from the device only by `row`, all at once."""

    def __init__(self, recipe: Recipe, device: torch.device, seconds: float) -> None:
        """Start measuring.

        Args:
            recipe: Recipe of the run.
            device: Device of the training.
            seconds: Training time so far.
        """
        self._device, self._batch_size = device, recipe.training.batch_size
        self._has_accuracies = LOSSES[recipe.training.loss].tells_right_from_wrong
        self._started = time.monotonic() - seconds
        self.reset()

    def reset(self) -> None:
        """Reset the sums."""
        self._losses = torch.zeros(2, device=self._device)
        self._correct = torch.zeros(2, device=self._device, dtype=torch.int64)
        self._steps, self._since = 0, time.monotonic()

    def add(self, step: StepOutcome) -> None:
        """Add a step."""
        self._losses += torch.stack((step.discriminator.loss, step.generator_loss))
        self._correct += step.discriminator.correct
        self._steps += 1

    def row(self, state: TrainingState) -> dict[str, float]:
        """Return the line for ``state.step``, after at least one step; set ``state.seconds`` and start again.

        Accuracies are the shares that the discriminator classified correctly, with dropout acting. Gradients
        are those of the last step. Harmless values that are not finite (gradients with fp16) are left out,
        and so are accuracies for a loss that has none.
        """
        now = time.monotonic()
        state.seconds = now - self._started
        norms = [
            norm
            for network in (state.discriminator, state.generator)
            for norm in (_norm(network, gradients=True), _norm(network, gradients=False))
        ]
        shares = self._correct / (self._steps * self._batch_size)
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
        for name in names:
            harmless = name.endswith("gradient") and not math.isfinite(row[name])
            if harmless or (name.startswith("accuracy") and not self._has_accuracies):
                del row[name]
        row |= {"steps_per_second": self._steps / max(now - self._since, 1e-9), "seconds": state.seconds}
        if state.scalings():
            row["skipped_updates"] = sum(scaling.skipped for _, scaling in state.scalings())
        if state.steering is not None:
            row["discriminator_dropout"] = state.steering.probability
            if math.isfinite(state.steering.overfitting):
                row["overfitting"] = state.steering.overfitting
        self.reset()
        return row


def _norm(network: nn.Module, *, gradients: bool) -> Tensor:
    """Return the norm of all weights, or of their gradients, as one vector: float32 []."""
    weights = list(network.parameters())
    tensors = [weight.grad for weight in weights if weight.grad is not None] if gradients else weights
    if not tensors:
        return torch.full((), math.nan, device=weights[0].device)
    return get_total_norm([tensor.detach() for tensor in tensors]).float()
