"""The convolutions of a discriminator, a stem and then strides, written so that a CPU is fast at them."""

import itertools
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn.functional import conv2d, pad

from .layers import block, initialise
from .settings import AUTO, LayerSettings, Stem
from .spec import SampleSpec


class StemConv(nn.Conv2d):
    """A 3x3 convolution of stride 1, of samples.

    One input channel has no layout of its own, so oneDNN would compute in one layout and the layers above in
    another. Three copies, each moved by a column, are three channels for the same sum: a tenth less time for
    a step of recipe `conv` on a CPU.
    """

    def forward(self, samples: Tensor) -> Tensor:
        if self.in_channels > 1:
            return super().forward(samples)
        width = samples.shape[3]
        wider = pad(samples[:, 0], (1, 1))
        moved = torch.stack([wider[..., column : column + width] for column in range(3)], -1)
        weight = self.weight.transpose(1, 3).contiguous()  # as slower convolutions need it
        return conv2d(moved.permute(0, 3, 1, 2), weight, self.bias, padding=(1, 0))


class StridedConv(nn.Conv2d):
    """A 4x4 convolution of stride 2, for grids of even sides.

    On a CPU its gradient at the grid is computed in another way, because oneDNN's takes four times as long as
    the convolution itself where there are few channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 4, 2, 1)

    def forward(self, grid: Tensor) -> Tensor:
        if grid.device.type != "cpu":
            return super().forward(grid)
        assert self.bias is not None
        given = (grid, self.weight, self.bias)
        if torch.is_autocast_enabled("cpu"):
            kind = torch.get_autocast_dtype("cpu")
            given = (grid.to(kind), self.weight.to(kind), self.bias.to(kind))
        with torch.autocast("cpu", enabled=False):
            strided: Tensor = _Strided.apply(*given)  # type: ignore[no-untyped-call]
        return strided


class _Strided(torch.autograd.Function):
    """The convolution of `StridedConv`. Its derivatives have derivatives, as R1 needs."""

    @staticmethod
    def forward(ctx: FunctionCtx, grid: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(grid, weight)
        return conv2d(grid, weight, bias, stride=2, padding=1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        grid, weight = ctx.saved_tensors
        at_grid, *at_layer = ctx.needs_input_grad
        _, at_weight, at_bias = torch.ops.aten.convolution_backward(
            *(gradient, grid, weight, [len(weight)]),
            *([2, 2], [1, 1], [1, 1], False, [0, 0], 1),  # stride, padding, dilation, transposed, groups
            [False, *at_layer],
        )
        return _at_grid(gradient, weight) if at_grid else None, at_weight, at_bias


def _at_grid(gradient: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient at the grid by that at the strided convolution's output.

    A block of 2x2 cells, counted from the padding on, was seen by 2x2 strides, with a 2x2 part of the weights
    for each of its cells. So a 2x2 convolution of stride 1 makes the four cells of each block.
    """
    parts = weight.unflatten(2, (2, 2)).unflatten(4, (2, 2))  # [out, in, y, y in block, x, x in block]
    kernels = parts.flip(2, 4).permute(3, 5, 1, 0, 2, 4).flatten(0, 2)
    blocks = conv2d(gradient, kernels, padding=1)
    cells = blocks.permute(0, 2, 3, 1).unflatten(3, (2, 2, -1)).transpose(2, 3)
    grid: Tensor = cells.flatten(3, 4).flatten(1, 2)[:, 1:-1, 1:-1].permute(0, 3, 1, 2)
    return grid


def strided_layers(widths: tuple[int, ...], stem: Stem, spec: SampleSpec) -> list[nn.Conv2d]:
    """Return convolutions of 4x4 with stride 2, one for each width, finest first.

    Args:
        widths: Channels at each resolution, finest first.
        stem: Channels of a 3x3 convolution of stride 1 before them; 0 leaves it out, auto is 8 or, in colour,
            16.
        spec: Spec of the images.
    """
    if stem == AUTO:
        stem = 8 if spec.shape[0] == 1 else 16
    channels = (stem or spec.shape[0], *widths)
    layers = [StridedConv(inputs, outputs) for inputs, outputs in itertools.pairwise(channels)]
    return [StemConv(spec.shape[0], stem, 3, padding=1), *layers] if stem else [*layers]


def strided_body(layers: list[nn.Conv2d], settings: LayerSettings, *, last: bool) -> nn.Sequential:
    """Return a discriminator's convolutions with their normalisation, activation and dropout.

    Args:
        layers: The convolutions, from the samples up.
        settings: Settings of the network.
        last: True if no hidden layer follows them.
    """
    modules: list[nn.Module] = []
    for layer in layers:
        initialise(layer, settings.activation)
        # Radford et al. 2016: batch norm at the discriminator's input made training oscillate
        plain = settings if modules else settings.model_copy(update={"normalisation": "none"})
        modules += block(layer, plain, last=last and layer is layers[-1])
    return nn.Sequential(*modules)
