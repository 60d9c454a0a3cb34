"""Settings of a network: those that every network has, and those of networks built of layers.

The settings of a single architecture are in its own file.
"""

from typing import Annotated, Literal

from pydantic import Field

from ..settings import LearningRate, Probability, Settings

Width = Annotated[int, Field(ge=1, le=65536)]
Widths = Annotated[tuple[Width, ...], Field(min_length=1, max_length=64)]


class NetworkSettings(Settings):
    """Settings that every network has. Settings of a single architecture need defaults, so that you can
    change ``architecture`` alone."""

    architecture: str
    """What the network is built of; ``architecture`` outside the tables sets it for both networks."""
    dropout: Probability
    """Probability of dropping a unit after each hidden layer, in training only."""
    spectral_norm: bool = False
    """Whether every weight is divided by its largest singular value."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Fraction of each weight removed in a step, times the learning rate; not of biases and gains."""
    learning_rate: LearningRate
    """Adam's learning rate."""
    initialisation: Literal["he", "pytorch"] = "he"
    """First weights of dense layers and convolutions: normal, of a size that keeps the variance from layer
    to layer (He et al. 2015), or PyTorch's own, which are smaller."""

    @property
    def has_batch_norm(self) -> bool:
        """Whether the output for one sample depends on the others of its batch in training."""
        return False

    @property
    def has_batch_norm_behind_dropout(self) -> bool:
        """Whether dropout feeds a batch norm."""
        return False


class GeneratorSettings(NetworkSettings):
    """Settings that every generator has."""

    latent_dim: Annotated[int, Field(ge=1, le=4096)]
    """Size of a latent vector."""
    label_dim: Annotated[int, Field(ge=1, le=4096)] = 32
    """Size of a label's embedding; only in a class-conditional model."""


class DiscriminatorSettings(NetworkSettings):
    """Settings that every discriminator has."""

    frozen_layers: Annotated[int, Field(ge=0)] = 0
    """Number of layers, from the samples up, that keep the weights they started from (--init-from)."""


class LayerSettings(NetworkSettings):
    """Settings of networks that are a stack of hidden layers; see `dropgan.train.networks.layers`."""

    hidden: Widths
    """Width of each hidden layer."""
    activation: Literal["relu", "leaky_relu"]
    """Activation after each hidden layer; leaky_relu has slope 0.2."""
    dropout_layers: Literal["all", "last"] = "all"
    """Which hidden layers dropout follows; with batch norm, only the last one."""
    normalisation: Literal["none", "batch"] = "none"
    """Normalisation between a hidden layer and its activation."""

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
    """Settings of convolutional networks, between an image and the coarsest grid."""

    dense: Annotated[tuple[Width, ...], Field(max_length=64)] = ()
    """Widths of dense layers, before the generator's coarsest grid or after the discriminator's."""
    dropout_kind: Literal["element", "channel"] = "element"
    """What dropout drops: single units, or whole channels of a convolution."""

    @property
    def drops_channels(self) -> bool:
        return self.dropout_kind == "channel"


class ConvolutionGeneratorSettings(ConvolutionSettings, GeneratorSettings):
    hidden: Widths
    """Channels at each resolution, coarsest first."""


class ConvolutionDiscriminatorSettings(ConvolutionSettings, DiscriminatorSettings):
    hidden: Widths
    """Channels at each resolution, finest first."""
