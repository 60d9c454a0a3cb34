"""What an architecture is, and what its networks are to the rest of training."""

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
    """Latents to samples."""

    @abstractmethod
    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Make samples.

        Args:
            latents: float32 [n, latent_dim].
            labels: int64 [n] in a class-conditional model, else None.

        Returns:
            float32 [n, *shape]: images [n, channels, height, width] between -1 and 1, or vectors [n,
            columns], each column standardised.
        """


class DiscriminatorNetwork(nn.Module, ABC):
    """Samples to logits."""

    @abstractmethod
    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """Tell real samples from generated ones.

        Args:
            samples: float32 [n, *shape], as the generator gives them.
            labels: int64 [n] in a class-conditional model, else None.

        Returns:
            Logits float32 [n, 1], above 0 for real.
        """

    @abstractmethod
    def hidden_layers(self) -> Iterator[nn.Module]:
        """The modules below the output, from the samples up: fine-tuning freezes the lowest of them.

        A batch norm follows the layer that it belongs to; modules without weights do not count.
        """


@dataclass(frozen=True)
class Design(Generic[S, N]):
    """How one of the two networks is built."""

    settings: type[S]
    """What a recipe may say of it."""
    build: Callable[[S, SampleSpec], N]
    """From settings and samples to a network with its first weights, drawn from torch's global generator.
    Spectral norm is put on afterwards."""


@dataclass(frozen=True)
class Architecture:
    """A way to build a generator, a discriminator, or both."""

    name: str
    """What a recipe calls it."""
    generator: Design[Any, GeneratorNetwork] | None = None
    """None if there is no such generator."""
    discriminator: Design[Any, DiscriminatorNetwork] | None = None
    """None if there is no such discriminator."""
    fits: Callable[[SampleSpec], bool] = lambda _: True
    """Whether it is for such samples."""
