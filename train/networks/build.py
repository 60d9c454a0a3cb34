"""From a recipe and the shape of the data to the two networks."""

from torch import nn

from ..recipe import Recipe
from .mlp import MLPDiscriminator, MLPGenerator
from .spec import SampleSpec

_ARCHITECTURES: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "mlp": (MLPGenerator, MLPDiscriminator),
}


def build_networks(recipe: Recipe, spec: SampleSpec) -> tuple[nn.Module, nn.Module]:
    """The recipe's generator and discriminator, freshly initialised from torch's global generator."""
    generator, discriminator = _ARCHITECTURES[recipe.architecture]
    return generator(recipe.generator, spec), discriminator(recipe.discriminator, spec)
