"""Dropout, with masks that cost little on a CPU."""

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
        kept = min(max(round((1 - self.p) * _RANGE), 1), _RANGE)
        count = input.numel()
        words = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        uniform = words.view(torch.int16)[:count].view(input.shape)  # -2**15 to 2**15 - 1
        keep = uniform < kept - _RANGE // 2 if kept < _RANGE else torch.ones_like(uniform)
        return input * (keep.to(torch.float32) * (_RANGE / kept)).to(input.dtype)
