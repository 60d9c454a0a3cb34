"""What a recipe says of a network: what all have, and what those of layers have.

An architecture's own settings stand in its file.
"""

from typing import Annotated, Literal

from pydantic import Field

from ..settings import LearningRate, Probability, Settings

Width = Annotated[int, Field(ge=1, le=65536)]
Widths = Annotated[tuple[Width, ...], Field(min_length=1, max_length=64)]


class NetworkSettings(Settings):
    """What every network has. A setting of an architecture's own has a default, so that
    ``architecture`` alone may change."""

    architecture: str
    """What the network is built of; ``architecture`` outside the tables sets it for both networks."""
    dropout: Probability
    """Probability of dropping a unit after each hidden layer, in training only."""
    spectral_norm: bool = False
    """Whether every weight is divided by its largest singular value."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """How much of itself a weight loses in a step, times the learning rate; not biases and gains."""
    learning_rate: LearningRate
    """Adam's; the discriminator's is corrected for the penalty interval where there is one."""

    @property
    def has_batch_norm(self) -> bool:
        """Whether the output for one sample depends on the others of its batch in training."""
        return False

    @property
    def has_batch_norm_behind_dropout(self) -> bool:
        """Whether a batch norm sees what dropout gives."""
        return False


class GeneratorSettings(NetworkSettings):
    """What every generator has."""

    latent_dim: Annotated[int, Field(ge=1, le=4096)]
    """Components of a latent."""
    label_dim: Annotated[int, Field(ge=1, le=4096)] = 32
    """Components of a label's embedding; only in a class-conditional model."""


class DiscriminatorSettings(NetworkSettings):
    """What every discriminator has."""

    frozen_layers: Annotated[int, Field(ge=0)] = 0
    """How many layers, from the samples up, keep the weights that they began from (--init-from)."""


class LayerSettings(NetworkSettings):
    """Of networks that are hidden layers one after the other; see `dropgan.train.networks.layers`."""

    hidden: Widths
    """Width of each hidden layer."""
    activation: Literal["relu", "leaky_relu"]
    """After each hidden layer; leaky_relu has slope 0.2."""
    dropout_layers: Literal["all", "last"] = "all"
    """Behind which hidden layers units are dropped; with batch norm behind the last one only."""
    normalisation: Literal["none", "batch"] = "none"
    """Between a hidden layer and its activation."""

    @property
    def drops_channels(self) -> bool:
        """Whether dropout drops whole channels of a convolution."""
        return False

    @property
    def has_batch_norm(self) -> bool:
        return self.normalisation == "batch"

    @property
    def has_batch_norm_behind_dropout(self) -> bool:
        return self.has_batch_norm and self.dropout > 0 and self.dropout_layers == "all"


class ConvolutionSettings(LayerSettings):
    """Of networks of convolutions, between an image and the coarsest grid."""

    dense: Annotated[tuple[Width, ...], Field(max_length=64)] = ()
    """Widths of dense layers before the generator's coarsest grid, behind the discriminator's."""
    dropout_kind: Literal["element", "channel"] = "element"
    """What is dropped at once: single units, or whole channels of a convolution."""

    @property
    def drops_channels(self) -> bool:
        return self.dropout_kind == "channel"


class ConvolutionGeneratorSettings(ConvolutionSettings, GeneratorSettings):
    hidden: Widths
    """Channels at each resolution, coarsest first."""


class ConvolutionDiscriminatorSettings(ConvolutionSettings, DiscriminatorSettings):
    hidden: Widths
    """Channels at each resolution, finest first."""
