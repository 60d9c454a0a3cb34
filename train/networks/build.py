"""From a recipe and the shape of the data to the two networks."""

from torch import nn

from ..recipe import Recipe, RecipeError
from .mlp import MLPDiscriminator, MLPGenerator
from .spec import SampleSpec

_ARCHITECTURES: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "mlp": (MLPGenerator, MLPDiscriminator),
}


def build_networks(recipe: Recipe, spec: SampleSpec) -> tuple[nn.Module, nn.Module]:
    """The recipe's generator and discriminator, freshly initialised from torch's global generator.

    Raises:
        RecipeError: The architecture is not for such samples.
    """
    if not spec.is_image and recipe.architecture != "mlp":
        raise RecipeError(
            f"architecture {recipe.architecture} is for images, these data are vectors of {spec.shape[0]}"
            " columns: take --set architecture=mlp"
        )
    generator, discriminator = _ARCHITECTURES[recipe.architecture]
    return generator(recipe.generator, spec), discriminator(recipe.discriminator, spec)
