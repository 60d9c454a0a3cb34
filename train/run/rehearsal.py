"""Training steps on noise, to measure how long they take."""

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
    """A recipe's networks, untrained, and a batch of noise. Draws from torch's global generator."""

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
        """Seconds that one step takes, with or without the penalties that are not in every one."""
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
    """The mean over a long run, found in a few steps; leaves torch's random numbers as they were.

    Args:
        recipe: The recipe.
        spec: Shape of its samples.
        device: Where to compute; the process is set up for it.
        precision: As for `train_step`.
        seconds: Time to measure, beside what a few steps take in any case.
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
