"""Convert the networks' floats to pixels."""

import torch
from torch import Tensor


def to_pixels(images: Tensor) -> Tensor:
    """Round tanh images to pixels.

    Args:
        images: float32 [n, channels, height, width], -1 to 1.

    Returns:
        uint8 [n, height, width, channels], 0 to 255, halves rounded to even.
    """
    levels = (images * 127.5 + 127.5).round()
    grey = levels.shape[1] == 1  # for one channel a reshape moves no data
    levels = levels.reshape(-1, *levels.shape[2:], 1) if grey else levels.permute(0, 2, 3, 1)
    return levels.to(torch.uint8)
