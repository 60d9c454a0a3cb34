"""The kinds of dropout, with masks that are cheap on a CPU.

Each multiplies its input by random factors with mean 1 and variance p / (1 - p). Inference needs no scaling,
and the same p means equally strong noise in all of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from ..registry import Registry

_RANGE = 2**16


class Dropout(nn.Dropout):
    """Inverted dropout: a unit is kept with probability 1 - p and then scaled by 1/(1 - p).

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014, section
    10: scaling in training makes this module the identity at inference. On a GPU it is torch's own dropout.
    On a CPU torch draws one 32-bit number per unit, which took a quarter of a training step of the article's
    networks. Here four units share one 64-bit number, so p is rounded to a multiple of 2**-16, and the scale
    uses the rounded p, which keeps the expectation exact. In bf16 and fp16, p becomes the nearest one whose
    scale the type can represent (0.1 becomes 0.0986 in bf16). Rounding the scale alone would make it wrong by
    up to 0.4 %.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with dropout applied, in its shape and dtype. Any shape is accepted."""
        if not self.training or self.p == 0 or input.device.type != "cpu":
            return super().forward(input)
        return input * _mask(input.shape, self.p, input.dtype)


class ChannelDropout(nn.Dropout2d):
    """Dropout of whole channels: one draw for each channel of a sample, for all of its pixels.

    Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015: neighbouring
    pixels of a feature map carry nearly the same information, so dropping single pixels hides little. Units
    without pixels (``[n, units]``) are dropped one by one.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input [n, channels, ...] with dropout applied, in its shape and dtype."""
        if not self.training or self.p == 0:
            return input
        shape = _channels(input)
        if input.device.type != "cpu":
            factors = nn.functional.dropout(
                torch.ones(shape, device=input.device), _held(self.p, input.dtype)
            )
            return input * factors.to(input.dtype)
        return input * _mask(shape, self.p, input.dtype)


class GaussianNoise(nn.Dropout):
    """Multiplies each unit by a normal number with mean 1 and variance p / (1 - p).

    Srivastava et al. 2014, section 10: the noise of dropout at the same p has this mean and variance.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with noise applied, in its shape and dtype. Any shape is accepted."""
        if not self.training or self.p == 0:
            return input
        factors = torch.randn(input.shape, device=input.device)
        return input * factors.mul_(math.sqrt(self.p / (1 - self.p))).add_(1).to(input.dtype)


class LogNormalNoise(nn.Dropout2d):
    """Multiplies each channel of a sample by exp(s z - s^2 / 2), z standard normal and s^2 = -ln(1 - p).

    Karras et al., "Training generative adversarial networks with limited data", NeurIPS 2020, compare this
    noise with augmentation, but theirs does not have mean 1. The variance is p / (1 - p).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input [n, channels, ...] with noise applied, in its shape and dtype."""
        if not self.training or self.p == 0:
            return input
        variance = -math.log1p(-self.p)
        factors = torch.randn(_channels(input), device=input.device)
        return input * factors.mul_(math.sqrt(variance)).sub_(variance / 2).exp_().to(input.dtype)


@dataclass(frozen=True)
class DropoutKind:
    """A choice of ``dropout_kind``."""

    name: str
    """Its name in a recipe."""
    module: Callable[[float], _DropoutNd]
    """Maps p to a module that is the identity in eval mode and whose ``p`` can change during training."""


DROPOUT_KINDS: Registry[DropoutKind] = Registry(
    "kind of dropout",
    DropoutKind("element", Dropout),
    DropoutKind("channel", ChannelDropout),
    DropoutKind("gaussian", GaussianNoise),
    DropoutKind("lognormal", LogNormalNoise),
)


def dropouts(network: nn.Module) -> dict[str, _DropoutNd]:
    """Return the dropout modules of a network by name, from its input to its output."""
    return {name: module for name, module in network.named_modules() if isinstance(module, _DropoutNd)}


def _channels(input: Tensor) -> tuple[int, ...]:
    """Return the shape of one factor per channel of a sample."""
    return (*input.shape[:2], *[1] * (input.dim() - 2))


def _mask(shape: tuple[int, ...], p: float, dtype: torch.dtype) -> Tensor:
    """Return factors on the CPU: 0 with probability p, otherwise the scale that keeps the expectation."""
    kept = min(max(round((1 - _held(p, dtype)) * _RANGE), 1), _RANGE)
    count = math.prod(shape)
    words = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    uniform = words.view(torch.int16)[:count].view(shape)  # -2**15 to 2**15 - 1
    keep = uniform < kept - _RANGE // 2 if kept < _RANGE else torch.ones_like(uniform)
    return keep.to(dtype).mul_(_RANGE / kept)


def _held(p: float, dtype: torch.dtype) -> float:
    """Return the probability nearest to p whose scale 1 / (1 - p) a short type can represent; p
    for others.
    """
    if torch.finfo(dtype).bits >= 32:
        return p
    return 1 - 1 / torch.tensor(1 / (1 - p), dtype=dtype).item()
