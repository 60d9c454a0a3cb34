"""Whether a recipe is for the data that are there."""

from ..networks import SampleSpec
from ..networks.build import require_architectures_fit
from ..settings import RecipeError
from .settings import Recipe


def require_fit(recipe: Recipe, spec: SampleSpec) -> None:
    """Refuse a recipe that is not for such samples.

    Raises:
        RecipeError: An architecture or the augmentation is for other ones.
    """
    require_architectures_fit(recipe, spec)
    if recipe.training.augmentation and not spec.on_grid:
        raise RecipeError(
            f"augmentation is for images, not for {spec.described}: --set training.augmentation=[]"
        )
