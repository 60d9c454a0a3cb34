"""Check that a recipe suits the data."""

from ..networks import SampleSpec
from ..networks.build import require_architectures_fit
from ..settings import RecipeError
from .settings import Recipe


def require_fit(recipe: Recipe, spec: SampleSpec) -> None:
    """Refuse a recipe that does not suit the samples.

    Raises:
        RecipeError: An architecture or the augmentation does not support them.
    """
    require_architectures_fit(recipe, spec)
    if recipe.training.augmentation and not spec.on_grid:
        raise RecipeError(
            f"augmentation is for images, not for {spec.described}: --set training.augmentation=[]"
        )
