"""Every setting of a training run, with its type and range."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ..objective.losses import LOSSES
from ..objective.penalties import PenaltySettings
from ..settings import Beta, LearningRate, Probability, Settings

Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1)]


class _NetworkSettings(Settings):
    """What both networks may have."""

    dense: tuple[Annotated[int, Field(ge=1, le=65536)], ...] = ()
    """Widths of dense layers before the generator's coarsest grid, behind the discriminator's."""
    dropout: Probability
    """Probability of dropping a unit after each hidden layer, in training only."""
    dropout_kind: Literal["element", "channel"] = "element"
    """What is dropped at once: single units, or whole channels of a convolution."""
    dropout_layers: Literal["all", "last"] = "all"
    """Behind which hidden layers units are dropped; with batch norm behind the last one only."""
    normalisation: Literal["none", "batch"] = "none"
    """Between a hidden layer and its activation."""
    spectral_norm: bool = False
    """Whether every weight is divided by its largest singular value."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """How much of itself a weight loses in a step, times the learning rate; not biases and gains."""


class GeneratorSettings(_NetworkSettings):
    latent_dim: Annotated[int, Field(ge=1, le=4096)]
    """Components of a latent."""
    label_dim: Annotated[int, Field(ge=1, le=4096)] = 32
    """Components of a label's embedding; only in a class-conditional model."""
    hidden: Widths
    """Width of each hidden layer; channels at each resolution, coarsest first, of conv and resnet."""
    activation: Literal["relu", "leaky_relu"]
    """After each hidden layer; leaky_relu has slope 0.2."""
    learning_rate: LearningRate
    """Adam's."""


class DiscriminatorSettings(_NetworkSettings):
    hidden: Widths
    """Width of each hidden layer; channels at each resolution, finest first, of conv and resnet."""
    activation: Literal["relu", "leaky_relu"]
    """After each hidden layer; leaky_relu has slope 0.2."""
    texture_weight: Annotated[float, Field(ge=0)]
    """Weight of the local roughness that the first layer of an mlp sees beside the pixels; 0 without."""
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    """How many layers, from the samples up, keep the weights that they began from (--init-from)."""
    learning_rate: LearningRate
    """Adam's; corrected for the penalty interval where there is one."""


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
    augmentation: tuple[Literal["colour", "translation", "cutout"], ...] = ()
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
    """All settings of a run; see train/recipes for those that come with dropgan."""

    name: Annotated[str, Field(min_length=1)]
    """What the recipe is called in cards and reports; a file that gives none is called by its name."""
    architecture: Literal["mlp", "conv", "resnet"]
    """Of both networks: dense layers, convolutions, or residual blocks."""
    conditional: bool = False
    """Whether samples are made of a label too; the data must have labels."""
    generator: GeneratorSettings
    discriminator: DiscriminatorSettings
    penalty: PenaltySettings
    training: TrainingSettings
    output: OutputSettings = OutputSettings()
    health: HealthSettings = HealthSettings()
