"""The interface of an architecture and its networks to the rest of training."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import Tensor, nn

from .settings import DiscriminatorSettings, GeneratorSettings
from .spec import SampleSpec

S = TypeVar("S", bound=GeneratorSettings | DiscriminatorSettings)
N = TypeVar("N", bound=nn.Module)


class GeneratorNetwork(nn.Module, ABC):
    """Turns latents into samples."""

    @abstractmethod
    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Make samples.

        Args:
            latents: float32 [n, latent_dim].
            labels: int64 [n] in a class-conditional model, else None.

        Returns:
            float32 [n, *shape]: images [n, channels, height, width] between -1 and 1, vectors [n,
            columns], each column standardised, or graphs [n, channels, nodes, nodes], see
            `dropgan.train.networks.graphs.discrete`.
        """


class DiscriminatorNetwork(nn.Module, ABC):
    """Turns samples into logits."""

    @abstractmethod
    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits that separate real samples from generated ones.

        Args:
            samples: float32 [n, *shape], as the generator returns them.
            labels: int64 [n] in a class-conditional model, else None.

        Returns:
            Logits float32 [n, verdicts], above 0 for real. A network that judges several regions returns one
            for each; a loss is their mean. Its settings then have ``has_several_logits``.
        """

    @abstractmethod
    def hidden_layers(self) -> Iterator[nn.Module]:
        """Yield the modules below the output, from the samples up. Fine-tuning freezes the lowest ones.

        A batch norm follows the layer it belongs to. Modules without weights are not counted.
        """


@dataclass(frozen=True)
class Design(Generic[S, N]):
    """How to build one of the two networks."""

    settings: type[S]
    """Its settings in a recipe."""
    build: Callable[[S, SampleSpec], N]
    """Builds the network from its settings and the shape of samples. First weights are drawn from torch's
    global generator; spectral norm is added afterwards."""


@dataclass(frozen=True)
class Architecture:
    """A way to build a generator, a discriminator, or both."""

    name: str
    """Its name in a recipe."""
    generator: Design[Any, GeneratorNetwork] | None = None
    """None if there is no such generator."""
    discriminator: Design[Any, DiscriminatorNetwork] | None = None
    """None if there is no such discriminator."""
    fits: Callable[[SampleSpec], bool] = lambda spec: spec.graphs is None
    """True if it can make or judge samples of this shape. By default anything but graphs."""
