"""The pictures of samples that training writes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dropgan.serve.atomic import write_bytes
from dropgan.serve.latents import LatentStream
from dropgan.serve.pictures import class_columns, encode_png, grid

from ..data.pixels import to_pixels
from ..recipes.settings import Recipe
from ..run.directory import RunDirectory
from ..steps.state import TrainingState

_IMAGES = 64


@dataclass(frozen=True)
class SamplePicture:
    """How a run's samples are shown."""

    count: int
    """Number of samples drawn."""
    draw: Callable[[Tensor], bytes]
    """Maps the generator's output, on the CPU, to the content of a PNG file."""
    quick: bool = False
    """True if it is cheap, so that there can be more pictures than scores."""


def image_grid(classes: int = 0) -> SamplePicture:
    """Return images in a grid; in a class-conditional model each class has its own columns."""
    columns = class_columns(_IMAGES, classes)
    return SamplePicture(
        _IMAGES, lambda images: encode_png(grid(to_pixels(images).numpy(), columns, scale=2)), quick=True
    )


IMAGE_GRID = image_grid()


@torch.no_grad()
def write_samples(
    state: TrainingState,
    recipe: Recipe,
    run: RunDirectory,
    device: torch.device,
    picture: SamplePicture = IMAGE_GRID,
) -> Tensor:
    """Write a picture of the averaged generator's samples, from the same latents at every step.

    They are the first samples of the run's seed, so ``dropgan sample`` shows the same ones. In a
    class-conditional model sample i has label i modulo the number of classes.

    Returns:
        The samples, float32 [n, *shape] on the CPU.

    Raises:
        OutputError: The file cannot be written.
    """
    stream = LatentStream(recipe.generator.latent_dim)
    latents = torch.from_numpy(stream(picture.count, seed=recipe.training.seed)).to(device)
    classes = state.spec.classes
    labels = torch.arange(picture.count, device=device) % classes if classes else None
    samples: Tensor = state.ema.module(latents, labels).float().cpu()
    write_bytes(run.sample_file(state.step), picture.draw(samples))
    return samples


def spread(samples: Tensor) -> float:
    """Return how much samples float32 [n, *shape] vary; 0 if all are the same.

    This is the root of the mean variance of their components.
    """
    return float(samples.float().flatten(1).var(0).mean().sqrt())
