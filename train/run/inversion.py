"""Initialise the generator as a decoder of its discriminator's features."""

import numpy as np
import torch
from torch import Tensor

from dropgan.serve.reporter import Progress, Reporter

from ..data import ImageData
from ..networks.projected import ProjectedDiscriminator
from ..recipes import Recipe
from ..steps.ema import Ema
from ..steps.state import TrainingState

_MOST = 10_000  # images that it learns to draw
_BATCH = 250
_LOG = 50


def begin_as_decoder(
    state: TrainingState, recipe: Recipe, data: ImageData, steps: int, reporter: Reporter
) -> None:
    """Train the generator to draw images from their features, by mean squared error.

    Features are the means of the deepest activations, rotated and scaled to the mean and covariance of
    latents. What the generator makes from latents is then a picture of plausible features. Directions beyond
    those of the features are random. Random numbers come from the run's seed.

    Args:
        state: The state before the first step, with features loaded; its average is reset.
        recipe: Recipe of the run.
        data: Training data.
        steps: Number of batches.
        reporter: Receives the progress.
    """
    judge, generator, size = state.discriminator, state.generator, recipe.generator.latent_dim
    assert isinstance(judge, ProjectedDiscriminator)
    device = next(generator.parameters()).device
    rows = np.linspace(0, len(data.images) - 1, min(_MOST, len(data.images))).astype(np.int64)
    images = torch.from_numpy(np.ascontiguousarray(data.images[rows]))
    labels = torch.from_numpy(data.labels[rows]) if recipe.conditional and data.labels is not None else None
    draws = torch.Generator().manual_seed(recipe.training.seed)
    with torch.no_grad():
        deepest = [judge.features(_samples(part, device))[-1] for part in images.split(_BATCH)]
    features = torch.cat([grid.mean((2, 3)).cpu() for grid in deepest])
    latents = as_latents(features, size, draws)
    optimizer = torch.optim.Adam(generator.parameters(), lr=recipe.generator.learning_rate)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(recipe.training.seed)  # of dropout masks
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = recipe.generator.learning_rate * (1 - step / steps)
            chosen = torch.randint(0, len(images), (recipe.training.batch_size,), generator=draws)
            classes = None if labels is None else labels[chosen].to(device)
            made = generator(latents[chosen].to(device), classes)
            loss = (made - _samples(images[chosen], device)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if (step + 1) % _LOG == 0:
                reporter.progress(
                    Progress("inverting features", step + 1, steps, "steps", f"error {loss:.4f}")
                )
    optimizer.zero_grad()
    state.ema = Ema(generator, state.ema.decay)


def as_latents(features: Tensor, size: int, draws: torch.Generator) -> Tensor:
    """Whiten features float32 [n, d] to float32 [n, size], strongest directions first.

    The result has mean 0 and covariance 1. If d is below ``size``, or a direction does not vary, values are
    standard normal.
    """
    centred = (features - features.mean(0)).double()
    values, directions = torch.linalg.eigh(centred.T @ centred / len(centred))
    latents = torch.randn(len(features), size, generator=draws)
    most = min(size, int((values > 1e-9 * values.max()).sum())) if values.max() > 0 else 0
    for place in range(most):
        found = -1 - place
        latents[:, place] = (centred @ directions[:, found] / values[found].sqrt()).float()
    return latents


def _samples(images: Tensor, device: torch.device) -> Tensor:
    return images.to(device).permute(0, 3, 1, 2).float().div(127.5).sub(1)
