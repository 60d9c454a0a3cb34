"""Layers that the architectures share."""

from torch import nn

SLOPE = 0.2  # of leaky_relu


def activation(name: str) -> nn.Module:
    """The module of a recipe's activation."""
    return nn.ReLU() if name == "relu" else nn.LeakyReLU(SLOPE)


def initialise(layer: nn.Module, activation: str) -> None:
    """Normal weights that keep the variance from layer to layer (He et al. 2015), biases 0.

    Args:
        layer: With ``weight`` and ``bias``.
        activation: What follows it: ``relu``, ``leaky_relu``, or ``linear`` for nothing.
    """
    slope = {"relu": 0.0, "leaky_relu": SLOPE, "linear": 1.0}[activation]
    nn.init.kaiming_normal_(layer.weight, a=slope, nonlinearity="leaky_relu")  # type: ignore[arg-type]
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
