"""Generator and discriminator.

The interface that every architecture keeps: the generator turns latents float32 [n, latent_dim]
into images float32 [n, channels, height, width] between -1 and 1, the discriminator turns images
into logits [n, 1], above 0 for real.
"""

import math

from torch import Tensor, nn

from .dropout import Dropout
from .recipe import DiscriminatorSettings, GeneratorSettings, Recipe

Shape = tuple[int, int, int]
"""(channels, height, width) of an image."""


class MLPGenerator(nn.Module):
    """Dense layers, dropout after every hidden one, tanh at the end."""

    def __init__(self, settings: GeneratorSettings, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.body = _hidden_layers(settings, settings.latent_dim)
        self.output = nn.Linear(settings.hidden[-1], math.prod(shape))

    def forward(self, latents: Tensor) -> Tensor:
        images: Tensor = self.output(self.body(latents)).float().tanh()
        return images.view(-1, *self.shape)


class MLPDiscriminator(nn.Module):
    """Dense layers, dropout after every hidden one, a logit at the end."""

    def __init__(self, settings: DiscriminatorSettings, shape: Shape) -> None:
        super().__init__()
        self.body = _hidden_layers(settings, math.prod(shape))
        self.output = nn.Linear(settings.hidden[-1], 1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.body(images.flatten(1)))
        return logits.float()


def build_networks(recipe: Recipe, shape: Shape) -> tuple[nn.Module, nn.Module]:
    """The recipe's generator and discriminator, freshly initialised from torch's global generator."""
    return MLPGenerator(recipe.generator, shape), MLPDiscriminator(recipe.discriminator, shape)


def _hidden_layers(settings: GeneratorSettings | DiscriminatorSettings, inputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in settings.hidden:
        layers += [nn.Linear(inputs, width), _activation(settings.activation)]
        if settings.dropout:
            layers.append(Dropout(settings.dropout))
        inputs = width
    return nn.Sequential(*layers)


def _activation(name: str) -> nn.Module:
    return nn.ReLU() if name == "relu" else nn.LeakyReLU(0.2)
