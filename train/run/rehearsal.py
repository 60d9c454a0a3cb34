"""Time training steps on noise."""

import time

import torch

from ..data.batches import Batch
from ..networks import SampleSpec
from ..objective.penalties import lazy_interval
from ..recipes.settings import Recipe
from ..steps.state import TrainingState
from ..steps.step import train_step

_SECONDS = 1.5
_LEAST = 2  # steps


class Rehearsal:
    """A recipe's untrained networks and a batch of noise, from torch's global generator."""

    def __init__(self, recipe: Recipe, spec: SampleSpec, device: torch.device, precision: str) -> None:
        self._recipe, self._device, self._precision = recipe, device, precision
        self._state = TrainingState.fresh(recipe, spec, device)
        if precision == "fp16":
            self._state.scale_losses(device)
        self._state.set_learning_rates(recipe)
        size = recipe.training.batch_size
        labels = torch.randint(spec.classes, (size,), device=device) if spec.classes else None
        self._batch = Batch(torch.rand(size, *spec.shape, device=device) * 2 - 1, labels)

    def step(self, *, penalise: bool) -> float:
        """Return the seconds of one step, with or without lazy penalties."""
        self._state.step = 0  # which has them
        started = time.perf_counter()
        train_step(
            self._state,
            self._recipe,
            lambda _: self._batch,
            device=self._device,
            precision=self._precision,
            penalise=penalise,
        )
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter() - started


def seconds_per_step(
    recipe: Recipe, spec: SampleSpec, device: torch.device, precision: str, seconds: float = _SECONDS
) -> float:
    """Return the mean seconds per step of a long run, estimated from a few steps.

    torch's random state is restored afterwards.

    Args:
        recipe: The recipe.
        spec: Spec of its samples.
        device: Device to measure; the process is already set up for it.
        precision: As for `train_step`.
        seconds: Time to measure, in addition to a few steps that always run.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        rehearsal = Rehearsal(recipe, spec, device, precision)
        for penalise in (True, False):  # the first ones pay for caches
            rehearsal.step(penalise=penalise)
        penalised = rehearsal.step(penalise=True)
        plain, end = [rehearsal.step(penalise=False)], time.monotonic() + seconds
        while len(plain) < _LEAST or time.monotonic() < end:
            plain.append(rehearsal.step(penalise=False))
    mean = sum(plain) / len(plain)
    share = min(1.0, recipe.training.discriminator_steps / lazy_interval(recipe.penalty))
    return mean + share * max(penalised - mean, 0.0)
