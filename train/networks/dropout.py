"""Dropout of single units and of whole channels, with masks that cost little on a CPU."""

import math

import torch
from torch import Tensor, nn

_RANGE = 2**16


class Dropout(nn.Dropout):
    """Inverted dropout: a unit is kept with probability 1 - p and then scaled by 1/(1 - p).

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR
    2014, section 10: scaling in training leaves nothing to do at inference, where this module is
    the identity. On a GPU it is torch's own. On a CPU torch draws one 32-bit number a unit, which
    took a quarter of a training step of the article's networks; here four units share one 64-bit
    number, so p is rounded to a multiple of 2**-16 and the scale uses the rounded p, which keeps
    the expectation exact.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Any shape in, the same shape and dtype out."""
        if not self.training or self.p == 0 or input.device.type != "cpu":
            return super().forward(input)
        return input * _mask(input.shape, self.p, input.dtype)


class ChannelDropout(nn.Dropout2d):
    """Dropout of whole channels: one draw for a channel of a sample, for all of its pixels.

    Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015:
    neighbouring pixels of a feature map say nearly the same, so dropping single ones leaves the
    rest to say it. Units that have no pixels (``[n, units]``) are dropped one by one.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[n, channels, ...] in, the same shape and dtype out."""
        if not self.training or self.p == 0:
            return input
        shape = (*input.shape[:2], *[1] * (input.dim() - 2))
        if input.device.type != "cpu":
            return input * nn.functional.dropout(torch.ones(shape, device=input.device), self.p).to(
                input.dtype
            )
        return input * _mask(shape, self.p, input.dtype)


def _mask(shape: tuple[int, ...], p: float, dtype: torch.dtype) -> Tensor:
    """Values of that shape on the CPU: 0 with probability p, else what keeps the expectation."""
    kept = min(max(round((1 - p) * _RANGE), 1), _RANGE)
    count = math.prod(shape)
    words = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    uniform = words.view(torch.int16)[:count].view(shape)  # -2**15 to 2**15 - 1
    keep = uniform < kept - _RANGE // 2 if kept < _RANGE else torch.ones_like(uniform)
    return keep.to(dtype).mul_(_RANGE / kept)
