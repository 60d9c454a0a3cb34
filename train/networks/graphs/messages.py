"""The common part of networks that pass messages along edges."""

from typing import Literal

from torch import nn

from ..dropout import Dropout
from ..layers import activation, initialise
from ..settings import NetworkSettings, Widths


class MessageSettings(NetworkSettings):
    """Settings of networks that pass messages between nodes."""

    hidden: Widths
    """Features of a node after each round of messages."""
    activation: Literal["relu", "leaky_relu"]
    """Activation after each round; leaky_relu has slope 0.2."""


def after_messages(settings: MessageSettings) -> nn.Sequential:
    """Return the modules after a round of messages or a dense layer: activation and dropout."""
    modules = [activation(settings.activation)]
    if settings.most_dropout:
        modules.append(Dropout(settings.most_dropout))
    return nn.Sequential(*modules)


def dense(inputs: int, units: int, settings: MessageSettings) -> list[nn.Module]:
    """Return a dense layer with its activation and dropout."""
    layer = nn.Linear(inputs, units)
    initialise(layer, settings.activation)
    return [layer, *after_messages(settings)]
