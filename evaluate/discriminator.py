"""The discriminator's gap: does it distinguish its training images from unseen images?

A discriminator that overfits calls training images real and held-out ones less so. Its gradient then teaches
the generator the training set instead of the distribution (Karras et al., "Training generative adversarial
networks with limited data", NeurIPS 2020, section 2, watch the same gap).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

IMAGES = 2000
_BATCH = 250


@dataclass(frozen=True)
class DiscriminatorGap:
    """Logits of a discriminator in eval mode."""

    images: int
    """Images of each kind."""
    training_logit: float
    """Mean logit of training images; above 0 is a verdict of real."""
    held_out_logit: float
    """Mean logit of held-out images."""
    generated_logit: float
    """Mean logit of samples of the deployed file."""
    knows_training: float
    """Chance that a training image gets a higher logit than a held-out one: 0.5 without overfitting."""
    knows_generated: float
    """Chance that a training image gets a higher logit than a generated one."""
    overfitting: float
    """(training - held out) / (training - generated), Karras et al.'s r_v, with mean logits: 0
    without overfitting, 1 where held-out images look as wrong as generated ones."""


def discriminator_gap(
    discriminator: nn.Module,
    training: NDArray[np.uint8],
    held_out: NDArray[np.uint8],
    generated: NDArray[np.uint8],
    labels: Sequence[NDArray[np.int64]] | None = None,
) -> DiscriminatorGap:
    """Compare the logits of three kinds of images uint8 [n, h, w, c], n at least 1.

    A class-conditional discriminator receives the labels of each kind.
    """
    mine, other, made = (
        _logits(discriminator, images, classes)
        for images, classes in zip((training, held_out, generated), labels or (None, None, None), strict=True)
    )
    spread = float(mine.mean() - made.mean())
    return DiscriminatorGap(
        images=min(len(mine), len(other), len(made)),
        training_logit=float(mine.mean()),
        held_out_logit=float(other.mean()),
        generated_logit=float(made.mean()),
        knows_training=_chance_higher(mine, other),
        knows_generated=_chance_higher(mine, made),
        overfitting=float(mine.mean() - other.mean()) / spread if abs(spread) > 1e-6 else 0.0,
    )


def to_floats(images: NDArray[np.uint8]) -> Tensor:
    """Convert images uint8 [n, h, w, c] to the networks' input: float32 [n, c, h, w], -1 to 1."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float().div(127.5).sub(1)


@torch.inference_mode()
def _logits(
    discriminator: nn.Module, images: NDArray[np.uint8], labels: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    parts = []
    for first in range(0, len(images), _BATCH):
        classes = [] if labels is None else [torch.from_numpy(labels[first : first + _BATCH])]
        parts.append(discriminator(to_floats(images[first : first + _BATCH]), *classes).mean(1))
    return torch.cat(parts).double().numpy()


def _chance_higher(ones: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Return the Mann-Whitney statistic divided by its maximum; ties count one half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, ones, side="left")
    up_to = np.searchsorted(ordered, ones, side="right")
    return float((below + up_to).mean() / (2 * len(others)))
