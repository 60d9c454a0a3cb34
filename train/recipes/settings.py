"""Every setting of a training run, with its type and range."""

import functools
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model

from ..networks.settings import DiscriminatorSettings, GeneratorSettings
from ..objective.augment import AUGMENTATIONS
from ..objective.losses import LOSSES
from ..objective.penalties import PenaltySettings
from ..registry import require_among
from ..settings import Beta, Settings


class TrainingSettings(Settings):
    steps: Annotated[int, Field(ge=1)]
    """Generator updates in all."""
    batch_size: Annotated[int, Field(ge=2, le=65536)]
    """Real images a step, and as many generated ones."""
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    """Of weights, data order, latents and dropout masks."""
    beta1: Beta
    """Adam's decay of the mean gradient."""
    beta2: Beta
    """Adam's decay of the mean squared gradient."""
    ema_decay: Beta
    """Of the averaged generator, which is the one exported; 0 exports the last weights."""
    loss: Annotated[str, AfterValidator(LOSSES.require_known)] = "non-saturating"
    """What the two networks minimise."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """How far below 1 the discriminator's target for real samples is."""
    discriminator_steps: Annotated[int, Field(ge=1, le=1000)] = 1
    """Discriminator updates for each one of the generator, each on samples of its own."""
    augmentation: tuple[
        Annotated[str, AfterValidator(lambda name: require_among(AUGMENTATIONS, name))], ...
    ] = ()
    """Random changes to every image that the discriminator sees, real or generated; for little data."""
    schedule: Literal["constant", "linear"]
    """Learning rates stay, or fall linearly to 0 at the last step."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Scores without an improvement after which training ends early; 0 trains all steps."""


class OutputSettings(Settings):
    log_interval: Annotated[int, Field(ge=1)] = 50
    """Steps between lines of metrics.jsonl."""
    sample_interval: Annotated[int, Field(ge=1)] = 1000
    """Steps between sample grids, and between scores."""
    checkpoint_interval: Annotated[int, Field(ge=1)] = 1000
    """Steps between checkpoints."""


class HealthSettings(Settings):
    """When training counts as gone wrong, and what is done then; looked at with each line of metrics."""

    rollbacks: Annotated[int, Field(ge=0, le=100)] = 3
    """How often training may go back to its last good checkpoint before it gives up."""
    rate_factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Both learning rates are multiplied by it at each rollback."""
    loss_limit: Annotated[float, Field(gt=0)] = 1e3
    """A mean loss beyond it, either sign, has exploded; wasserstein has no limit."""
    gradient_limit: Annotated[float, Field(gt=0)] = 1e6
    """A gradient longer than it has exploded."""
    won: Literal["ignore", "warn", "rollback"] = "warn"
    """What to do when the discriminator has won: the generator learns nothing any more."""
    won_steps: Annotated[int, Field(ge=1)] = 1000
    """For how long the discriminator must judge 99 % of both kinds rightly, the generator's loss above 5."""
    collapsed: Literal["ignore", "warn", "rollback"] = "warn"
    """What to do when samples are nearly all the same."""
    collapsed_spread: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Below this share of the data's spread samples are nearly all the same."""
    collapsed_after: Annotated[int, Field(ge=0)] = 500
    """Steps in which samples may be alike because training has only begun."""


class Recipe(Settings):
    """All settings of a run; see train/recipes for those that come with dropgan.

    What stands in the tables of the networks depends on their architectures: a recipe is of the
    subclass that `recipe_type` gives for them.
    """

    name: Annotated[str, Field(min_length=1)]
    """What the recipe is called in cards and reports; a file that gives none is called by its name."""
    conditional: bool = False
    """Whether samples are made of a label too; the data must have labels."""
    generator: GeneratorSettings
    discriminator: DiscriminatorSettings
    penalty: PenaltySettings
    training: TrainingSettings
    output: OutputSettings = OutputSettings()
    health: HealthSettings = HealthSettings()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """For pickle, which finds no class that was made by `recipe_type`."""
        networks = type(self.generator), type(self.discriminator)
        return _restored, (*networks, self.model_dump())


@functools.cache
def recipe_type(
    generator: type[GeneratorSettings], discriminator: type[DiscriminatorSettings]
) -> type[Recipe]:
    """The kind of recipe whose networks have these settings."""
    return create_model(
        "Recipe", __base__=Recipe, generator=(generator, ...), discriminator=(discriminator, ...)
    )


def _restored(
    generator: type[GeneratorSettings], discriminator: type[DiscriminatorSettings], values: dict[str, Any]
) -> Recipe:
    return recipe_type(generator, discriminator).model_validate(values)
