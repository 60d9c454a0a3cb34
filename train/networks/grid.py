"""Derive the resolutions of a convolutional network from the size of an image."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..settings import RecipeError
from .spec import SampleSpec

LARGEST_FIRST = 8  # cells along the longer side of the coarsest grid
_LARGEST_FULL = 4  # sides of the image along the finest grid, most of which would be cut off


@dataclass(frozen=True)
class Pyramid:
    """The resolutions of a network, each twice as fine as the one before.

    Attributes:
        widths: Channels at each resolution except the image's own, the coarsest first.
        first: Height and width of the coarsest.
        full: Height and width of the finest, at least those of the image; the excess is cropped.
    """

    widths: tuple[int, ...]
    first: tuple[int, int]
    full: tuple[int, int]


def pyramid(coarsest_first: tuple[int, ...], spec: SampleSpec) -> Pyramid:
    """Return the resolutions for the channels in a recipe and images of a shape.

    Each number of channels is a doubling of the resolution. If there are too few, so that the coarsest grid
    would be larger than 8 cells, resolutions with as many channels as the coarsest are put before it.

    Args:
        coarsest_first: Channels at each resolution, the coarsest first.
        spec: Spec of the images.

    Raises:
        RecipeError: There are so many numbers that nearly all of the finest grid would be cropped.
    """
    _, height, width = spec.shape
    widths = coarsest_first
    most = (_LARGEST_FULL * max(height, width)).bit_length() - 1
    if len(widths) > most:
        raise RecipeError(
            f"hidden has {len(widths)} numbers, each of which doubles the resolution: {spec.described}"
            f" take at most {most}"
        )
    while max(height, width) > LARGEST_FIRST << len(widths):
        widths = (widths[0], *widths)
    cell = 1 << len(widths)
    first = -(-height // cell), -(-width // cell)
    return Pyramid(widths, first, (first[0] * cell, first[1] * cell))


def padded(samples: Tensor, size: tuple[int, int]) -> Tensor:
    """Pad [n, channels, height, width] with zeros at the right and lower edge to a size."""
    height, width = samples.shape[2:]
    if (height, width) == size:
        return samples
    return pad(samples, (0, size[1] - width, 0, size[0] - height))


def cropped(samples: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Crop the right and lower edge to the shape of a sample."""
    return samples[:, :, : shape[1], : shape[2]] if samples.shape[1:] != shape else samples


def channels_last(grid: Tensor) -> Tensor:
    """Return the same values in channels-last memory format, which is faster for convolutions on a CPU."""
    return grid.contiguous(memory_format=torch.channels_last)
