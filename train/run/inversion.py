"""A generator that begins as a decoder of the features its discriminator looks through."""

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
    """Let the generator learn to draw images from their features, by mean squared error.

    Features are the means of the deepest activations, turned and scaled so that they have the mean and the
    covariance of latents: what the generator makes of latents are then pictures of features as they occur.
    Directions beyond those that the features have are random. Random numbers are those of the run's seed.

    Args:
        state: Before the first step, its features filled in; the average begins anew.
        recipe: Of the run.
        data: What is trained on.
        steps: How many batches.
        reporter: Told while it learns.
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
    """Features float32 [n, d] as float32 [n, size] of mean 0 and covariance 1, strongest directions first.

    Where d is below ``size``, or a direction does not vary, values are standard normal.
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
