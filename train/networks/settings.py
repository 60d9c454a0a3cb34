"""Settings of every network, and of networks built of layers.

The settings of a single architecture are in its own file.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, WrapValidator

from ..registry import require_among
from ..settings import LearningRate, Probability, Settings
from .dropout import DROPOUT_KINDS
from .schedules import DROPOUT_SCHEDULES

Width = Annotated[int, Field(ge=1, le=65536)]
Widths = Annotated[tuple[Width, ...], Field(min_length=1, max_length=64)]

AUTO: Literal["auto"] = "auto"
_PROBABILITY: TypeAdapter[float] = TypeAdapter(Probability)
_WIDTH_OR_NONE: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0, le=65536)])
_NUMBERS: TypeAdapter[tuple[int, ...]] = TypeAdapter(
    Annotated[
        tuple[Annotated[int, Field(ge=1, le=1000, strict=True)], ...], Field(min_length=1, max_length=1000)
    ]
)


def _auto_or(kind: TypeAdapter[Any], *words: str) -> WrapValidator:
    """Take ``auto``, other words or a kind, with one message for anything else, for which pydantic would have
    several.
    """

    def checked(value: Any, _: Any) -> Any:
        if isinstance(value, str) and words:
            return require_among((AUTO, *words), value)
        return value if value == AUTO else kind.validate_python(value, strict=True)

    return WrapValidator(checked)


def _layers(value: Any, _: Any) -> Any:
    return (
        require_among(("all", "last"), value) if isinstance(value, str) else _NUMBERS.validate_python(value)
    )


Rate = Annotated[float | Literal["auto"], _auto_or(_PROBABILITY)]
Stem = Annotated[int | Literal["auto", "colour"], _auto_or(_WIDTH_OR_NONE, "colour")]
Layers = Annotated[Literal["all", "last"] | tuple[int, ...], WrapValidator(_layers)]


class NetworkSettings(Settings):
    """Settings that every network has. Settings of a single architecture need defaults, so that you can
    change ``architecture`` alone."""

    architecture: str
    """Architecture of the network; ``architecture`` outside the tables sets it for both networks."""
    dropout_schedule: Annotated[str, AfterValidator(lambda name: require_among(DROPOUT_SCHEDULES, name))] = (
        "constant"
    )
    """When dropout acts: all the time (constant), in the first half of the run (early), in the second
    (late), or from the whole probability down to 0 at the end (linear)."""
    spectral_norm: bool = False
    """Divide every weight by its largest singular value (spectral normalisation)."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Fraction of each weight removed in a step, times the learning rate; not of biases and gains."""
    learning_rate: LearningRate
    """Adam's learning rate."""
    initialisation: Literal["he", "pytorch"] = "he"
    """First weights of dense layers and convolutions: normal, of a size that keeps the variance from layer
    to layer (He et al. 2015), or PyTorch's own, which are smaller."""

    @property
    def most_dropout(self) -> float:
        """The highest probability of dropout at any step; a network is built with it."""
        raise NotImplementedError

    @property
    def has_batch_norm(self) -> bool:
        """True if the output for one sample depends on the others of its batch in training."""
        return False

    @property
    def has_batch_norm_behind_dropout(self) -> bool:
        """True if dropout feeds a batch norm."""
        return False


class GeneratorSettings(NetworkSettings):
    """Settings that every generator has."""

    dropout: Probability
    """Probability of dropping a unit after each hidden layer, in training only."""
    dropout_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the samples in training that are made with dropout; the others are made as in the exported
    file."""
    latent_dim: Annotated[int, Field(ge=1, le=4096)]
    """Size of a latent vector."""
    label_dim: Annotated[int, Field(ge=1, le=4096)] = 32
    """Size of a label's embedding; only in a class-conditional model."""

    @property
    def most_dropout(self) -> float:
        return self.dropout


class DiscriminatorSettings(NetworkSettings):
    """Settings that every discriminator has."""

    dropout: Rate
    """Probability of dropping a unit after each hidden layer, in training only; auto lets it follow how much
    the discriminator overfits."""
    dropout_bound: Annotated[float, Field(gt=0, le=0.95)] = 0.8
    """The highest probability that auto may take; the lowest is 0."""
    dropout_target: Annotated[float, Field(gt=0, lt=1)] = 0.4
    """The overfitting that auto aims for, 0 for none to 1; see docs/training.md."""
    held_out: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of the data that is not trained on, by which auto measures overfitting; with 0 it takes the sign
    of the logits of training samples."""
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    """Number of layers, from the samples up, that keep the weights they started from (--init-from)."""

    @property
    def has_several_logits(self) -> bool:
        """True if a sample has more than one logit."""
        return False

    @property
    def most_dropout(self) -> float:
        return self.dropout_bound if self.dropout == "auto" else self.dropout


class LayerSettings(NetworkSettings):
    """Settings of networks that are a stack of hidden layers; see `dropgan.train.networks.layers`."""

    hidden: Widths
    """Width of each hidden layer."""
    activation: Literal["relu", "leaky_relu"]
    """Activation after each hidden layer; leaky_relu has slope 0.2."""
    dropout_kind: Annotated[str, AfterValidator(DROPOUT_KINDS.require_known)] = "element"
    """What dropout does: drops single units (element) or whole channels (channel), or multiplies units by
    Gaussian noise (gaussian) or channels by log-normal noise (lognormal)."""
    dropout_layers: Layers = "all"
    """Which hidden layers dropout follows: all, the last, or their numbers from the network's input on, as in
    [1, 3]; with batch norm, only the last one."""
    normalisation: Literal["none", "batch"] = "none"
    """Normalisation between a hidden layer and its activation."""

    @property
    def has_batch_norm(self) -> bool:
        return self.normalisation == "batch"

    @property
    def has_batch_norm_behind_dropout(self) -> bool:
        return self.has_batch_norm and self.most_dropout > 0 and self.dropout_layers != "last"


class ConvolutionSettings(LayerSettings):
    """Settings of convolutional networks, between an image and the coarsest grid."""

    dense: Annotated[tuple[Width, ...], Field(max_length=64)] = ()
    """Widths of dense layers, before the generator's coarsest grid or after the discriminator's."""


class ConvolutionGeneratorSettings(ConvolutionSettings, GeneratorSettings):
    hidden: Widths
    """Channels at each resolution, coarsest first."""


class ConvolutionDiscriminatorSettings(ConvolutionSettings, DiscriminatorSettings):
    hidden: Widths
    """Channels at each resolution, finest first."""
