"""Latent recovery: can the generator draw a given image, and better if it was trained on it?

Webster, Rabin, Simon, Jurie, "Detecting overfitting of deep generative networks via latent recovery", CVPR
2019: for an image y, gradient descent finds the latent whose sample is nearest to it, min over z of |G(z) -
y|^2. A generator that memorised draws its training images much better than held-out ones. The gap of the
median errors measures by how much.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

IMAGES = 50
STEPS = 100
_LEARNING_RATE = 0.1
_PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Recovery:
    """Recovery errors of training and held-out images."""

    images: int
    """Images of each kind."""
    steps: int
    """Steps of gradient descent."""
    training_error: float
    """Median mean squared error of training images, in squared levels of 255."""
    held_out_error: float
    """The same of held-out images."""
    gap: float
    """(held out - training) / held out, section 4 of the paper: 0 without overfitting, near 1 where
    training images are drawn exactly."""
    p_value: float
    """Chance of a gap this large if both kinds were alike: a permutation test, one-sided."""


@dataclass(frozen=True)
class Recovered:
    """The pictures behind a `Recovery`."""

    recovery: Recovery
    training: NDArray[np.uint8]
    """uint8 [n, h, w, c] recovered from the training images, in their order."""
    held_out: NDArray[np.uint8]
    """The same of the held-out images."""


def recover(
    generator: nn.Module,
    images: NDArray[np.uint8],
    latent_dim: int,
    *,
    labels: NDArray[np.int64] | None = None,
    steps: int = STEPS,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Search for the latents whose samples are nearest to images.

    It uses Adam from a standard normal start with a cosine decay of the learning rate to 0. (The paper uses
    L-BFGS. A batch of independent searches is simpler with Adam, and as good.)

    Args:
        generator: Generator in eval mode: latents to images float32 [n, c, h, w], -1 to 1.
        images: uint8 [n, h, w, c].
        latent_dim: Components of a latent.
        labels: int64 [n] of the images, for a class-conditional generator.
        steps: Steps of gradient descent.
        seed: Seed of the starts.

    Returns:
        Mean squared errors float64 [n] in squared levels of 255, and the best samples uint8.
    """
    targets = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    random = torch.Generator().manual_seed(seed)
    latents = torch.randn(len(images), latent_dim, generator=random).requires_grad_(True)
    classes = [] if labels is None else [torch.from_numpy(labels)]
    optimizer = torch.optim.Adam([latents], lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        loss = _errors(generator(latents, *classes), targets).sum()
        (latents.grad,) = torch.autograd.grad(loss, latents)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        best = generator(latents, *classes)
        errors = _errors(best, targets) * 127.5**2
    pixels = best.mul(127.5).add(127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    return errors.double().numpy(), pixels.contiguous().numpy()


def compare_recovery(
    generator: nn.Module,
    training: NDArray[np.uint8],
    held_out: NDArray[np.uint8],
    latent_dim: int,
    *,
    labels: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    steps: int = STEPS,
    seed: int = 0,
) -> Recovered:
    """Recover training and held-out images uint8 [n, h, w, c], n at least 2, and compare.

    A class-conditional generator receives the labels of both.
    """
    errors, pictures = zip(
        *(
            recover(generator, images, latent_dim, labels=classes, steps=steps, seed=seed)
            for images, classes in zip((training, held_out), labels or (None, None), strict=True)
        ),
        strict=True,
    )
    mine, other = float(np.median(errors[0])), float(np.median(errors[1]))
    recovery = Recovery(
        images=min(len(training), len(held_out)),
        steps=steps,
        training_error=mine,
        held_out_error=other,
        gap=(other - mine) / other if other else 0.0,
        p_value=permutation_p(errors[0], errors[1], seed=seed),
    )
    return Recovered(recovery, pictures[0], pictures[1])


def permutation_p(lower: NDArray[np.float64], higher: NDArray[np.float64], *, seed: int = 0) -> float:
    """Return the p-value of a permutation test of the difference of medians, higher - lower."""
    random = np.random.default_rng(seed)
    both = np.concatenate([lower, higher])
    seen = np.median(higher) - np.median(lower)
    shuffled = random.permuted(np.broadcast_to(both, (_PERMUTATIONS, len(both))), axis=1)
    differences = np.median(shuffled[:, len(lower) :], axis=1) - np.median(shuffled[:, : len(lower)], axis=1)
    return float((1 + (differences >= seen).sum()) / (1 + _PERMUTATIONS))


def _errors(images: Tensor, targets: Tensor) -> Tensor:
    return (images - targets).square().flatten(1).mean(1)
