"""Local sensitivity of the generator: how far a small step of the latent can move the image.

Projected gradient ascent (Madry et al., "Towards deep learning models resistant to adversarial attacks", ICLR
2018, section 2.1) searches the worst step within a ball. Random steps of the same length are typical of an
application. The spectral norm of the Jacobian is the limit for steps towards 0 (Odena et al., "Is generator
conditioning causally related to GAN performance?", ICML 2018, examine the same Jacobian).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dropgan.train.data.pixels import to_pixels

Draw = Callable[[Tensor], Tensor]
"""A generator in eval mode, its labels bound: latents [n, latent_dim] to images [n, c, h, w], -1 to 1."""

LATENTS = 32
RADIUS = 0.1
STEPS = 20
_RANDOM_STEPS = 10
_POWER_ITERATIONS = 20


@dataclass(frozen=True)
class Sensitivity:
    """Medians over latents; changes of an image are root mean squares in levels of 255."""

    latents: int
    """Latents looked at."""
    radius: float
    """Length of a step, as a share of the typical length of a latent, sqrt(latent_dim)."""
    worst: float
    """Median of the largest change found by gradient ascent in the ball."""
    random: float
    """Median of the mean change along 10 random directions of the same length."""
    ratio: float
    """Median of the worst change over the random one: 1 where all directions are alike."""
    spectral_norm: float
    """Median of the Jacobian's largest singular value: change of the image's Euclidean norm, in
    units of -1 to 1, for a unit of latent."""
    spectral_norm_max: float
    """The largest of them."""


@dataclass(frozen=True)
class SensitivityPictures:
    """Rows of the same few latents, each uint8 [n, h, w, c]."""

    sensitivity: Sensitivity
    samples: NDArray[np.uint8]
    worst: NDArray[np.uint8]
    random: NDArray[np.uint8]


def generator_sensitivity(
    generator: Draw, latents: NDArray[np.float32], *, radius: float = RADIUS, seed: int = 0
) -> SensitivityPictures:
    """Measure the response of a generator in eval mode to small steps of its latent.

    Args:
        generator: Maps latents to images float32 [n, c, h, w], -1 to 1.
        latents: float32 [n, latent_dim].
        radius: Length of a step divided by sqrt(latent_dim).
        seed: Seed of the starts and of the random directions.
    """
    places = torch.from_numpy(np.array(latents))
    length = radius * math.sqrt(places.shape[1])
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        images = generator(places)
    worst_step = _worst_step(generator, places, images, length, random)
    worst = _change(generator, places, images, worst_step)
    steps = [_direction(places.shape, random) * length for _ in range(_RANDOM_STEPS)]
    usual = torch.stack([_change(generator, places, images, step) for step in steps]).mean(0)
    norms = spectral_norms(generator, places, seed=seed)
    with torch.no_grad():
        pictures = [to_pixels(generator(places + step)) for step in (worst_step, steps[0])]
    return SensitivityPictures(
        Sensitivity(
            latents=len(places),
            radius=radius,
            worst=float(worst.median()),
            random=float(usual.median()),
            ratio=float((worst / usual.clamp(min=1e-9)).median()),
            spectral_norm=float(norms.median()),
            spectral_norm_max=float(norms.max()),
        ),
        to_pixels(images).numpy(),
        pictures[0].numpy(),
        pictures[1].numpy(),
    )


def spectral_norms(generator: Draw, latents: Tensor, *, seed: int = 0) -> Tensor:
    """Return the largest singular value of the generator's Jacobian at each latent, float32 [n].

    It uses power iteration on J^T J, with one forward-mode and one backward-mode product each. In eval mode
    the samples of a batch are independent, so one product serves them all.
    """

    places = latents.detach().requires_grad_(True)
    images = generator(places).flatten(1)
    # J^T u is linear in u, so its derivative along v is J v: two products backwards make one forwards
    dummy = torch.zeros_like(images, requires_grad=True)
    (transposed,) = torch.autograd.grad(images, places, dummy, create_graph=True)
    vectors = _direction(latents.shape, torch.Generator().manual_seed(seed))
    norms = torch.zeros(len(latents))
    for _ in range(_POWER_ITERATIONS):
        (forwards,) = torch.autograd.grad(transposed, dummy, vectors, retain_graph=True)
        norms = forwards.norm(dim=1)
        (vectors,) = torch.autograd.grad(images, places, forwards, retain_graph=True)
        vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return norms.detach()


def _worst_step(
    generator: Draw, places: Tensor, images: Tensor, length: float, random: torch.Generator
) -> Tensor:
    step = _direction(places.shape, random) * length
    for _ in range(STEPS):
        step.requires_grad_(True)
        change = (generator(places + step) - images).square().sum()
        (gradient,) = torch.autograd.grad(change, step)
        with torch.no_grad():
            gradient = gradient / gradient.norm(dim=1, keepdim=True).clamp(min=1e-12)
            step = step + gradient * length * (2.5 / STEPS)
            step = step * (length / step.norm(dim=1, keepdim=True)).clamp(max=1)
    return step.detach()


@torch.no_grad()
def _change(generator: Draw, places: Tensor, images: Tensor, step: Tensor) -> Tensor:
    difference = (generator(places + step) - images).flatten(1)
    change: Tensor = difference.square().mean(1).sqrt() * 127.5
    return change


def _direction(shape: torch.Size, random: torch.Generator) -> Tensor:
    vectors = torch.randn(shape, generator=random)
    directions: Tensor = vectors / vectors.norm(dim=1, keepdim=True)
    return directions
