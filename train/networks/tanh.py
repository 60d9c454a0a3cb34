"""The generator's last step: map any number to one between -1 and 1."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def tanh(values: Tensor, *, training: bool) -> Tensor:
    """Return tanh of float32 values; training on a CPU uses a method with a fifth of the cost.

    Args:
        values: Any shape.
        training: Use the method for training, which supports first derivatives; False uses torch's tanh,
            which can be exported.
    """
    if training and values.device.type == "cpu":
        fast: Tensor = _BySigmoid.apply(values)  # type: ignore[no-untyped-call]
        return fast
    return values.tanh()


class _BySigmoid(torch.autograd.Function):
    """tanh(x) = 2 sigmoid(2x) - 1, within 2e-7. On a CPU, torch's sigmoid takes a ninth of the time of its
    tanh.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        result = torch.sigmoid(values * 2).mul_(2).sub_(1)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        (result,) = ctx.saved_tensors
        back: Tensor = torch.ops.aten.tanh_backward(gradient, result)
        return back
