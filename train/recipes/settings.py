"""All settings of a training run, with types and ranges."""

import functools
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model
from pydantic_core import PydanticCustomError

from ..networks.settings import DiscriminatorSettings, GeneratorSettings
from ..objective.augment import AUGMENTATIONS
from ..objective.losses import LOSSES
from ..objective.penalties import PenaltySettings
from ..registry import require_among
from ..settings import Beta, Settings


class TrainingSettings(Settings):
    steps: Annotated[int, Field(ge=1)]
    """Number of generator updates."""
    batch_size: Annotated[int, Field(ge=2, le=65536)]
    """Real samples in a step, and as many generated ones."""
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    """Seed of weights, data order, latents, dropout masks and augmentation."""
    beta1: Beta
    """Adam's decay rate of the mean gradient."""
    beta2: Beta
    """Adam's decay rate of the mean squared gradient."""
    ema_decay: Beta
    """Decay of the averaged generator, which is the one exported; 0 exports the last weights."""
    loss: Annotated[str, AfterValidator(LOSSES.require_known)] = "non-saturating"
    """Loss of both networks."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """How far the discriminator's target for real samples is below 1."""
    discriminator_steps: Annotated[int, Field(ge=1, le=1000)] = 1
    """Discriminator updates for each generator update, each on new samples."""
    one_stage: bool = False
    """Update the generator by the gradient that the discriminator's update leaves at generated samples, which
    saves a pass through the discriminator; without effect where the loss, batch norm, several logits or fp16
    make that impossible."""
    augmentation: tuple[
        Annotated[str, AfterValidator(lambda name: require_among(AUGMENTATIONS, name))], ...
    ] = ()
    """Random changes to every image that the discriminator sees, real or generated; for small data sets."""
    schedule: Literal["constant", "linear"]
    """Learning rates stay constant, or fall linearly to 0 at the last step."""
    patience: Annotated[int, Field(ge=0)] = 0
    """End training after this many scores without improvement; 0 trains all steps."""


class OutputSettings(Settings):
    log_interval: Annotated[int, Field(ge=1)] = 50
    """Steps between lines of metrics.jsonl."""
    sample_interval: Annotated[int, Field(ge=1)] = 1000
    """Steps between sample grids, and between scores."""
    checkpoint_interval: Annotated[int, Field(ge=1)] = 1000
    """Steps between checkpoints."""


class HealthSettings(Settings):
    """When training has gone wrong, and what to do then; checked at each line of metrics."""

    rollbacks: Annotated[int, Field(ge=0, le=100)] = 3
    """How often training may go back to its last good checkpoint before it gives up."""
    rate_factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Both learning rates are multiplied by this at each rollback."""
    loss_limit: Annotated[float, Field(gt=0)] = 1e3
    """A mean loss beyond this, of either sign, has exploded; wasserstein has no limit."""
    gradient_limit: Annotated[float, Field(gt=0)] = 1e6
    """A gradient norm beyond this has exploded."""
    won: Literal["ignore", "warn", "rollback"] = "warn"
    """What to do when the discriminator wins, so that the generator no longer learns."""
    won_steps: Annotated[int, Field(ge=1)] = 1000
    """It has won after this many steps with 99 % of both kinds right and the generator's loss above 5."""
    collapsed: Literal["ignore", "warn", "rollback"] = "warn"
    """What to do when samples are nearly identical."""
    collapsed_spread: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Samples are nearly identical below this fraction of the data's spread."""
    collapsed_after: Annotated[int, Field(ge=0)] = 500
    """Do not check for identical samples before this step, because training has only begun."""


def _not_one(count: int) -> int:
    if count == 1:
        raise PydanticCustomError("one_cluster", "Input should be 2 or more, or 0 for none")
    return count


class Recipe(Settings):
    """All settings of a run. The recipes that come with dropgan are in train/recipes.

    The settings of the two networks depend on their architectures: `recipe_type` returns the subclass
    for a pair of architectures.
    """

    name: Annotated[str, Field(min_length=1)]
    """Name in cards and reports; without one, the name of the file."""
    conditional: bool = False
    """Whether the networks learn labels; the data must have them, or ``clusters`` stand in for them."""
    clusters: Annotated[int, Field(ge=0, le=4096), AfterValidator(_not_one)] = 0
    """Clusters of like pictures, all of the same size, that are learned in place of the data's labels; 0 for
    none."""
    generator: GeneratorSettings
    discriminator: DiscriminatorSettings
    penalty: PenaltySettings
    training: TrainingSettings
    output: OutputSettings = OutputSettings()
    health: HealthSettings = HealthSettings()

    @property
    def learns_classes(self) -> bool:
        """True if the labels that the networks learn are the data's own."""
        return self.conditional and not self.clusters

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Support pickle, which cannot find a class made by `recipe_type`."""
        networks = type(self.generator), type(self.discriminator)
        return _restored, (*networks, self.model_dump())


@functools.cache
def recipe_type(
    generator: type[GeneratorSettings], discriminator: type[DiscriminatorSettings]
) -> type[Recipe]:
    """Return the class of recipes whose networks have these settings."""
    return create_model(
        "Recipe", __base__=Recipe, generator=(generator, ...), discriminator=(discriminator, ...)
    )


def _restored(
    generator: type[GeneratorSettings], discriminator: type[DiscriminatorSettings], values: dict[str, Any]
) -> Recipe:
    return recipe_type(generator, discriminator).model_validate(values)
