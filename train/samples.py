"""The grid of samples that training leaves behind as it goes."""

from typing import Any

import numpy as np
import torch

from ..serve.atomic import write_bytes
from ..serve.latents import LatentStream
from ..serve.pictures import encode_png, grid
from .pixels import to_pixels
from .recipe import Recipe
from .run_directory import RunDirectory
from .state import TrainingState

GRID_SAMPLES = 64


@torch.no_grad()
def write_samples(state: TrainingState, recipe: Recipe, run: RunDirectory, device: torch.device) -> None:
    """Write a grid of the averaged generator's samples, the same latents at every step.

    They are the first samples of the run's seed: ``dropgan sample`` shows the same garments. In a
    class-conditional model sample i has label i modulo the number of classes.
    """
    stream = LatentStream(recipe.generator.latent_dim)
    latents = torch.from_numpy(stream(GRID_SAMPLES, seed=recipe.training.seed)).to(device)
    classes = state.spec.classes
    labels = torch.arange(GRID_SAMPLES, device=device) % classes if classes else None
    images: np.ndarray[Any, np.dtype[np.uint8]]
    images = to_pixels(state.ema.module(latents, labels)).cpu().numpy()
    write_bytes(run.sample_file(state.step), encode_png(grid(images, scale=2)))
