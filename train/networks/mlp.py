"""Architecture ``mlp``: dense layers."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..settings import Weight
from .interface import Architecture, Design, DiscriminatorNetwork, GeneratorNetwork
from .labels import LatentInput, LogitHead
from .layers import block, initialise
from .settings import DiscriminatorSettings, GeneratorSettings, LayerSettings
from .spec import SampleSpec
from .tanh import tanh
from .texture import roughness


class _MLPSettings(LayerSettings):
    @property
    def has_batch_norm_behind_dropout(self) -> bool:
        return super().has_batch_norm_behind_dropout and len(self.hidden) > 1


class MLPGeneratorSettings(_MLPSettings, GeneratorSettings):
    """Settings of the generator; it has none of its own."""


class MLPDiscriminatorSettings(_MLPSettings, DiscriminatorSettings):
    texture_weight: Weight = 0.0
    """Weight of the local roughness that the first layer sees beside the pixels; 0 without."""


class MLPGenerator(GeneratorNetwork):
    """Dense layers, `block` after `block`, with tanh at the end if samples are bounded."""

    def __init__(self, settings: MLPGeneratorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.shape, self.bounded = spec.shape, spec.bounded
        self.input = LatentInput(settings.latent_dim, spec.classes, settings.label_dim)
        self.body = _hidden_layers(settings, self.input.width)
        self.output = nn.Linear(settings.hidden[-1], math.prod(spec.shape))
        _initialise(self.body, settings.activation)
        initialise(self.output, "linear")

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        samples: Tensor = self.output(self.body(self.input(latents, labels))).float()
        return tanh(samples, training=self.training).view(-1, *self.shape) if self.bounded else samples


class MLPDiscriminator(DiscriminatorNetwork):
    """Dense layers, `block` after `block`, and a logit.

    With a texture weight above 0, the first layer also sees the roughness of the image in each cell of 4x4
    pixels. A dense layer of 256 units covers 256 of the 784 directions that pixels span, so the generator is
    free to put noise into the others; roughness shows that noise at once. Vectors have no texture, so it is
    left out.
    """

    def __init__(self, settings: MLPDiscriminatorSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.texture_weight = settings.texture_weight if spec.on_grid else 0.0
        inputs = math.prod(spec.shape)
        if self.texture_weight:
            inputs += roughness(torch.zeros(1, *spec.shape, device="cpu")).shape[1]
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

    def hidden_layers(self) -> Iterator[nn.Module]:
        return self.body.children()


def _hidden_layers(settings: LayerSettings, inputs: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    for index, width in enumerate(settings.hidden, 1):
        modules += block(nn.Linear(inputs, width), settings, last=index == len(settings.hidden))
        inputs = width
    return nn.Sequential(*modules)


def _initialise(body: nn.Sequential, activation: str) -> None:
    for layer in body:
        if isinstance(layer, nn.Linear):
            initialise(layer, activation)


MLP = Architecture(
    "mlp",
    Design(MLPGeneratorSettings, MLPGenerator),
    Design(MLPDiscriminatorSettings, MLPDiscriminator),
)
