"""From a recipe and the shape of the data to the two networks."""

from torch import nn

from ..recipes.settings import Recipe
from ..settings import RecipeError
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


def require_fit(recipe: Recipe, spec: SampleSpec) -> None:
    """Refuse a recipe that is not for such samples.

    Raises:
        RecipeError: Vectors, and an architecture or an augmentation that is for images.
    """
    if spec.is_image:
        return
    if recipe.architecture != "mlp":
        raise RecipeError(
            f"architecture {recipe.architecture} is for images, these data are vectors of {spec.shape[0]}"
            " columns: take a recipe of architecture mlp"
        )
    if recipe.training.augmentation:
        raise RecipeError("augmentation is for images, not for vectors: --set training.augmentation=[]")
