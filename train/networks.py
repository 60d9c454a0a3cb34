"""Generator and discriminator.

The interface that every architecture keeps: the generator turns latents float32 [n, latent_dim]
into images float32 [n, channels, height, width] between -1 and 1, the discriminator turns images
into logits [n, 1], above 0 for real.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from .dropout import Dropout
from .recipe import DiscriminatorSettings, GeneratorSettings, Recipe

SLOPE = 0.2  # of leaky_relu
Shape = tuple[int, int, int]
"""(channels, height, width) of an image."""


class MLPGenerator(nn.Module):
    """Dense layers, dropout after every hidden one, tanh at the end."""

    def __init__(self, settings: GeneratorSettings, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.body = _hidden_layers(settings, settings.latent_dim)
        self.output = nn.Linear(settings.hidden[-1], math.prod(shape))
        _initialise(self, settings.activation)

    def forward(self, latents: Tensor) -> Tensor:
        images: Tensor = self.output(self.body(latents)).float().tanh()
        return images.view(-1, *self.shape)


class MLPDiscriminator(nn.Module):
    """Dense layers, dropout after every hidden one, a logit at the end.

    With a texture weight above 0 the first layer also sees how rough the image is in each cell of
    4x4 pixels. A dense layer of 256 units looks at 256 of the 784 directions that pixels span and
    leaves the generator free to put noise into the others; roughness shows that noise at once.
    """

    def __init__(self, settings: DiscriminatorSettings, shape: Shape) -> None:
        super().__init__()
        self.texture_weight = settings.texture_weight
        inputs = math.prod(shape)
        if self.texture_weight:
            inputs += roughness(torch.zeros(1, *shape)).shape[1]
        self.body = _hidden_layers(settings, inputs)
        self.output = nn.Linear(settings.hidden[-1], 1)
        _initialise(self, settings.activation)

    def forward(self, images: Tensor) -> Tensor:
        inputs = images.flatten(1)
        if self.texture_weight:
            inputs = torch.cat((inputs, self.texture_weight * roughness(images)), 1)
        logits: Tensor = self.output(self.body(inputs))
        return logits.float()


def roughness(images: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, across and down, in cells of 4x4 pixels.

    Args:
        images: float [n, channels, height, width].

    Returns:
        float [n, cells], not below 0; cells at the right and lower edge may be smaller.
    """
    across = (images[..., :, 1:] - images[..., :, :-1]).abs()
    down = (images[..., 1:, :] - images[..., :-1, :]).abs()
    cells = [avg_pool2d(steps, 4, ceil_mode=True).flatten(1) for steps in (across, down)]
    return torch.cat(cells, 1)


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


def _initialise(network: MLPGenerator | MLPDiscriminator, activation: str) -> None:
    """Normal weights that keep the variance from layer to layer (He et al. 2015), biases 0."""
    for layer in network.body:
        if isinstance(layer, nn.Linear):
            slope = 0.0 if activation == "relu" else SLOPE
            nn.init.kaiming_normal_(layer.weight, a=slope, nonlinearity="leaky_relu")
            nn.init.zeros_(layer.bias)
    nn.init.kaiming_normal_(network.output.weight, nonlinearity="linear")
    nn.init.zeros_(network.output.bias)


def _activation(name: str) -> nn.Module:
    return nn.ReLU() if name == "relu" else nn.LeakyReLU(SLOPE)
