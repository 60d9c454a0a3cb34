"""Augmentation of everything that the discriminator sees, for small data sets.

Zhao, Liu, Lin, Zhu, Han, "Differentiable augmentation for data-efficient GAN training", NeurIPS 2020. The
same random, differentiable functions change real and generated images in both training steps. The generator
still learns the original images, and the discriminator cannot memorise the real ones. Strengths are those of
the paper.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from ..autocast import full_precision

_SHIFT = 1 / 8  # of the side, at most, either way
_HOLE = 1 / 2  # side of the square that is cut out, of the image's side


def augment(images: Tensor, policy: Sequence[str], generator: Generator | None = None) -> Tensor:
    """Change each image at random.

    Args:
        images: float [n, channels, height, width], -1 to 1.
        policy: Names in `AUGMENTATIONS`, always applied in the order of that table. Empty returns the
            images unchanged.
        generator: Random generator on the CPU; None uses torch's global one.

    Returns:
        Images of the same shape and dtype, differentiable with respect to the input. Values may exceed
        -1 to 1.
    """
    for name, change in AUGMENTATIONS.items():
        if name in policy:
            images = change(images, generator)
    return images


def _colour(images: Tensor, generator: Generator | None) -> Tensor:
    """Shift brightness by up to 0.5, multiply saturation by 0 to 2 and contrast by 0.5 to 1.5."""
    shape = (3, len(images), 1, 1, 1)
    brightness, saturation, contrast = torch.rand(shape, generator=generator, device="cpu").to(images.device)
    images = images + (brightness - 0.5)
    grey = images.mean(1, keepdim=True)
    images = (images - grey) * (2 * saturation) + grey
    mean = images.mean((1, 2, 3), keepdim=True)
    changed: Tensor = (images - mean) * (contrast + 0.5) + mean
    return changed


def _translation(images: Tensor, generator: Generator | None) -> Tensor:
    """Shift by up to an eighth of each side.

    The shift is a product with matrices of 0 and 1. Its gradient is a product too, which a GPU computes in
    the same order every time, unlike the scattered sum that is the gradient of indexing.
    """
    with full_precision(images.device):
        down, across = (_shifts(len(images), side, images, generator) for side in images.shape[2:])
        return down @ images @ across.transpose(-1, -2)


def _shifts(count: int, side: int, like: Tensor, generator: Generator | None) -> Tensor:
    """Return [count, 1, side, side] matrices whose row i selects the pixel that moves to i, or none."""
    most = int(side * _SHIFT + 0.5)
    shift = torch.randint(-most, most + 1, (count, 1, 1, 1), generator=generator, device="cpu").to(
        like.device
    )
    place = torch.arange(side, device=like.device)
    return (place[:, None] + shift == place).to(like.dtype)


def _cutout(images: Tensor, generator: Generator | None) -> Tensor:
    """Make a square of half the side grey. Its centre is anywhere, so part of it may be outside."""
    inside = [_hole(len(images), side, images.device, generator) for side in images.shape[2:]]
    hole = inside[0][:, :, None] & inside[1][:, None, :]
    return images.masked_fill(hole[:, None], 0)


def _hole(count: int, side: int, device: torch.device, generator: Generator | None) -> Tensor:
    """Return the rows, or columns, that the square covers, bool [count, side]."""
    size = int(side * _HOLE + 0.5)
    begin = torch.randint(0, side + 1 - size % 2, (count, 1), generator=generator, device="cpu") - size // 2
    begin = begin.to(device)
    place = torch.arange(side, device=device)
    return (place >= begin) & (place < begin + size)


AUGMENTATIONS: dict[str, Callable[[Tensor, Generator | None], Tensor]] = {
    "colour": _colour,
    "translation": _translation,
    "cutout": _cutout,
}
"""Brightness, saturation and contrast; moved; a square cut out. What is moved in and cut out is 0, the
middle grey."""
