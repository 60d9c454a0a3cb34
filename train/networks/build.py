"""From a recipe and the shape of the data to the two networks."""

from torch import nn

from ..recipe import Recipe
from .conv import ConvDiscriminator, ConvGenerator
from .mlp import MLPDiscriminator, MLPGenerator
from .resnet import ResNetDiscriminator, ResNetGenerator
from .spec import SampleSpec
from .spectral import add_spectral_norm

_ARCHITECTURES: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "mlp": (MLPGenerator, MLPDiscriminator),
    "conv": (ConvGenerator, ConvDiscriminator),
    "resnet": (ResNetGenerator, ResNetDiscriminator),
}


def build_networks(recipe: Recipe, spec: SampleSpec) -> tuple[nn.Module, nn.Module]:
    """The recipe's generator and discriminator, freshly initialised from torch's global generator."""
    makers = _ARCHITECTURES[recipe.architecture]
    generator, discriminator = makers[0](recipe.generator, spec), makers[1](recipe.discriminator, spec)
    if recipe.generator.spectral_norm:
        add_spectral_norm(generator)
    if recipe.discriminator.spectral_norm:
        add_spectral_norm(discriminator)
    return generator, discriminator
