"""Architecture ``mlp``: dense layers."""

import math

import torch
from torch import Tensor, nn

from ..recipes.settings import DiscriminatorSettings, GeneratorSettings
from .labels import LatentInput, LogitHead
from .layers import block, initialise
from .spec import SampleSpec
from .tanh import tanh
from .texture import roughness


class MLPGenerator(nn.Module):
    """Dense layers, `block` after `block`; at the end tanh for images, nothing for vectors."""

    def __init__(self, settings: GeneratorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.shape, self.bounded = spec.shape, spec.is_image
        self.input = LatentInput(settings.latent_dim, spec.classes, settings.label_dim)
        self.body = _hidden_layers(settings, self.input.width)
        self.output = nn.Linear(settings.hidden[-1], math.prod(spec.shape))
        _initialise(self.body, settings.activation)
        initialise(self.output, "linear")

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        samples: Tensor = self.output(self.body(self.input(latents, labels))).float()
        return tanh(samples, training=self.training).view(-1, *self.shape) if self.bounded else samples


class MLPDiscriminator(nn.Module):
    """Dense layers, `block` after `block`, a logit at the end.

    With a texture weight above 0 the first layer also sees how rough the image is in each cell of
    4x4 pixels. A dense layer of 256 units looks at 256 of the 784 directions that pixels span and
    leaves the generator free to put noise into the others; roughness shows that noise at once.
    Vectors have no texture: there it is left out.
    """

    def __init__(self, settings: DiscriminatorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.texture_weight = settings.texture_weight if spec.is_image else 0.0
        inputs = math.prod(spec.shape)
        if self.texture_weight:
            inputs += roughness(torch.zeros(1, *spec.shape)).shape[1]
        self.body = _hidden_layers(settings, inputs)
        self.output = LogitHead(settings.hidden[-1], spec.classes)
        _initialise(self.body, settings.activation)
        initialise(self.output, "linear")

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        inputs = samples.flatten(1)
        if self.texture_weight:
            inputs = torch.cat((inputs, self.texture_weight * roughness(samples)), 1)
        logits: Tensor = self.output(self.body(inputs), labels)
        return logits


def _hidden_layers(settings: GeneratorSettings | DiscriminatorSettings, inputs: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    for index, width in enumerate(settings.hidden, 1):
        modules += block(nn.Linear(inputs, width), settings, last=index == len(settings.hidden))
        inputs = width
    return nn.Sequential(*modules)


def _initialise(body: nn.Sequential, activation: str) -> None:
    for layer in body:
        if isinstance(layer, nn.Linear):
            initialise(layer, activation)
