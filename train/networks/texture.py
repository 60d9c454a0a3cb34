"""Local roughness, which shows a dense discriminator an image's grain."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d


def roughness(images: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbouring pixels, across and down, in cells of 4x4 pixels.

    Args:
        images: float [n, channels, height, width].

    Returns:
        float [n, cells], at least 0. Cells at the right and lower edge may be smaller.
    """
    across = (images[..., :, 1:] - images[..., :, :-1]).abs()
    down = (images[..., 1:, :] - images[..., :-1, :]).abs()
    cells = [avg_pool2d(steps, 4, ceil_mode=True).flatten(1) for steps in (across, down)]
    return torch.cat(cells, 1)
