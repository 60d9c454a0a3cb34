"""FGSM and PGD on the discriminator: the smallest change of an image that flips its decision.

Goodfellow, Shlens, Szegedy, "Explaining and harnessing adversarial examples", ICLR 2015, section 4, and Madry
et al., "Towards deep learning models resistant to adversarial attacks", ICLR 2018, section 2.1. Changes are
bounded in every pixel (the maximum norm), and the image stays within -1 to 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Judge = Callable[[Tensor], Tensor]
"""Images to logits [n, 1]."""

LIMIT = 64.0
"""Levels of 255: an image that still stands there counts as not flipped."""
PGD_STEPS = 10
_SIZES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LIMIT)
_BISECTIONS = 5
ROUNDS = len(_SIZES) + _BISECTIONS
_LEVEL = 1 / 127.5  # one level of 255 on the scale of -1 to 1


@dataclass(frozen=True)
class Attack:
    """Robustness of the discriminator to one kind of attack on one kind of image."""

    method: str
    """``fgsm`` or ``pgd``."""
    images: str
    """``real`` or ``generated``."""
    attacked: int
    """Images that it judged rightly before, which are those attacked."""
    flipped: float
    """Share of them whose verdict flipped within 64 levels; 0 where none were attacked."""
    median_levels: float
    """Median of the smallest flipping change of a pixel, in levels of 255; images that did not flip
    count as 64."""


def attack(
    discriminator: nn.Module,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    real: bool,
    method: str,
    after_round: Callable[[], object] = lambda: None,
) -> Attack:
    """Attack the images that a discriminator in eval mode classifies correctly.

    Sizes from half a level to 64 levels are tried, each twice the previous one. Then the interval between the
    first size that flips the decision and the previous one is bisected to 1/32 of its length.

    Args:
        discriminator: Maps images to logits [n, verdicts], above 0 for real.
        images: float32 [n, c, h, w], -1 to 1.
        labels: int64 [n], for a class-conditional discriminator.
        real: True if the images are real, False if they are generated.
        method: ``fgsm`` (one step along the sign of the gradient) or ``pgd`` (10 steps, projected).
        after_round: Called after each of at most `ROUNDS` rounds, for progress.
    """
    with torch.no_grad():
        right = (_judge(discriminator, labels)(images) > 0) == real
    images, labels = images[right], None if labels is None else labels[right]
    kind = "real" if real else "generated"
    if len(images) == 0:
        return Attack(method, kind, 0, 0.0, 0.0)
    direction = -1.0 if real else 1.0  # of the logit: away from the right verdict
    low = torch.zeros(len(images))
    high = torch.full((len(images),), torch.inf)
    for size in _SIZES:  # one step of FGSM may overshoot: the first size that flips is looked for
        open_ = high.isinf()
        if not open_.any():
            break
        judge = _judge(discriminator, None if labels is None else labels[open_])
        flips = _flipped(judge, images[open_], torch.full_like(low[open_], size), direction, method)
        high[open_] = torch.where(flips, size, high[open_])
        low[open_] = torch.where(flips, low[open_], size)
        after_round()
    flipped = high.isfinite()
    high = high.clamp(max=LIMIT)
    judge = _judge(discriminator, labels)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        flips = _flipped(judge, images, middle, direction, method) | ~flipped
        high, low = torch.where(flips & flipped, middle, high), torch.where(flips, low, middle)
        after_round()
    levels = torch.where(flipped, high, LIMIT)
    return Attack(method, kind, len(images), float(flipped.float().mean()), float(levels.median()))


def _judge(discriminator: nn.Module, labels: Tensor | None) -> Judge:
    """Return the discriminator with its labels bound and its verdicts on a sample averaged: logits [n]."""

    def judge(images: Tensor) -> Tensor:
        logits: Tensor = discriminator(images) if labels is None else discriminator(images, labels)
        return logits.mean(1)

    return judge


def _flipped(discriminator: Judge, images: Tensor, levels: Tensor, direction: float, method: str) -> Tensor:
    """Return which decisions a change within ``levels`` [n] flips, bool [n]."""
    bound = (levels * _LEVEL)[:, None, None, None]
    steps = 1 if method == "fgsm" else PGD_STEPS
    size = bound if steps == 1 else bound * (2.5 / steps)
    attacked = images
    flips = torch.zeros(len(images), dtype=torch.bool)
    for _ in range(steps):
        gradient = _gradient(discriminator, attacked)
        attacked = attacked + direction * size * gradient.sign()
        attacked = torch.maximum(torch.minimum(attacked, images + bound), images - bound).clamp(-1, 1)
        with torch.no_grad():
            flips |= discriminator(attacked) * direction > 0
    return flips


def _gradient(discriminator: Judge, images: Tensor) -> Tensor:
    images = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images)
    return gradient
