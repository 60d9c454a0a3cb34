"""The samples that training looks at as it goes: the same latents at every step."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..serve.atomic import write_bytes
from ..serve.latents import LatentStream
from ..serve.pictures import encode_png, grid
from .pixels import to_pixels
from .recipe import Recipe
from .run_directory import RunDirectory
from .state import TrainingState

GRID_SAMPLES = 64


@torch.no_grad()
def fixed_samples(state: TrainingState, recipe: Recipe, device: torch.device) -> Tensor:
    """Samples of the averaged generator: float32 [64, *shape].

    They are the first samples of the run's seed: ``dropgan sample`` shows the same garments. In a
    class-conditional model sample i has label i modulo the number of classes.
    """
    stream = LatentStream(recipe.generator.latent_dim)
    latents = torch.from_numpy(stream(GRID_SAMPLES, seed=recipe.training.seed)).to(device)
    classes = state.spec.classes
    labels = torch.arange(GRID_SAMPLES, device=device) % classes if classes else None
    samples: Tensor = state.ema.module(latents, labels)
    return samples


def write_samples(samples: Tensor, run: RunDirectory, step: int) -> None:
    """Write samples as a grid.

    Raises:
        OutputError: The file cannot be written.
    """
    images: np.ndarray[Any, np.dtype[np.uint8]] = to_pixels(samples).cpu().numpy()
    write_bytes(run.sample_file(step), encode_png(grid(images, scale=2)))


def spread(samples: Tensor) -> float:
    """How far samples float32 [n, *shape] lie from one another: the root of the mean variance of
    their components; 0 if they are all the same."""
    return float(samples.float().flatten(1).var(0).mean().sqrt())
