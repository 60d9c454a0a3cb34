"""Architecture ``capsule``: a discriminator that decides by the lengths of capsules.

Jaiswal, AbdAlmageed, Wu, Natarajan, "CapsuleGAN: generative adversarial capsule network", ECCV workshops
2018. Differences from the paper: there are several capsules above the primary ones, because a single one
leaves nothing to route, and the logit is a learned sum of their lengths.
"""

import math
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field
from torch import Tensor, nn

from ..autocast import full_precision
from ..registry import require_among
from ..settings import Probability
from .conv import strided_body, strided_layers
from .dropout import ChannelDropout
from .grid import channels_last, padded, pyramid
from .interface import Architecture, Design, DiscriminatorNetwork
from .labels import LogitHead
from .layers import initialise
from .routing import ROUTINGS, squash, squashed_length
from .settings import DiscriminatorSettings, LayerSettings, Stem, Width, Widths
from .spec import SampleSpec

_STRIDE = 2  # from the coarsest grid of the convolutions to that of the primary capsules


class CapsuleSettings(LayerSettings, DiscriminatorSettings):
    hidden: Widths
    """Channels at each resolution, finest first."""
    stem: Stem = 8
    """Channels of a 3x3 convolution at full resolution, before the strided ones: a number, 0 for none, or
    auto, which is 8 and in colour 16."""
    primary_capsules: Width = 8
    """Primary capsules at each place of their grid, which is half as fine as the last convolution's."""
    primary_size: Width = 8
    """Units of a primary capsule."""
    capsules: Annotated[int, Field(ge=2, le=65536)] = 10
    """Capsules above them, whose lengths make the logit."""
    capsule_size: Width = 16
    """Units of such a capsule."""
    routing: Annotated[str, AfterValidator(lambda name: require_among(ROUTINGS, name))] = "dynamic"
    """How votes become capsules: reweighted in several rounds, or in one pass of self-attention."""
    iterations: Annotated[int, Field(ge=1, le=100)] = 3
    """Rounds of dynamic routing."""
    capsule_dropout: Probability = 0.0
    """Probability of dropping a primary capsule as a whole, in training only."""


class Votes(nn.Conv1d):
    """A matrix for each pair of capsules, which turns a lower capsule into its vote for an upper one.

    The matrices are the weight of a grouped convolution, so that initialisation and spectral norm apply to
    them. Products of stacked matrices take a fraction of that convolution's time.
    """

    def __init__(self, inputs: int, input_size: int, outputs: int, output_size: int) -> None:
        super().__init__(inputs * input_size, inputs * outputs * output_size, 1, groups=inputs, bias=False)
        self.between = inputs, outputs, output_size

    def forward(self, capsules: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Map float32 [n, inputs, input_size] to [n, outputs, inputs, output_size]."""
        inputs, outputs, size = self.between
        matrices = self.weight.view(inputs, outputs * size, -1)
        votes = capsules.transpose(0, 1) @ matrices.transpose(1, 2)
        return votes.view(inputs, -1, outputs, size).permute(1, 2, 0, 3).contiguous()


class CapsuleDiscriminator(DiscriminatorNetwork):
    """Convolutions, primary capsules, routing, and a logit from the lengths of the upper capsules.

    Capsules are in float32 in every precision, because routing compares small differences.
    """

    def __init__(self, settings: CapsuleSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.sizes = pyramid(settings.hidden[::-1], spec)
        widths = self.sizes.widths[::-1]
        self.body = strided_body(strided_layers(widths, settings.stem, spec), settings, last=True)
        self.size = settings.primary_size
        self.primary = nn.Conv2d(widths[-1], settings.primary_capsules * self.size, 3, _STRIDE, 1)
        initialise(self.primary, "linear")
        places = math.prod(-(-side // _STRIDE) for side in self.sizes.first)
        count = places * settings.primary_capsules
        self.drop = ChannelDropout(settings.capsule_dropout)
        self.votes = Votes(count, self.size, settings.capsules, settings.capsule_size)
        initialise(self.votes, "linear")
        self.routing = ROUTINGS[settings.routing](count, settings.capsules, settings.iterations)
        self.output = LogitHead(settings.capsules, spec.classes)
        initialise(self.output, "linear")

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        grid = self.primary(self.body(channels_last(padded(samples, self.sizes.full))))
        with full_precision(samples.device):
            primary = grid.float().unflatten(1, (-1, self.size)).movedim(2, -1).flatten(1, 3)
            lengths = squashed_length(self.routing(self.votes(self.drop(squash(primary)))))
            logits: Tensor = self.output(lengths, labels)
        return logits

    def hidden_layers(self) -> Iterator[nn.Module]:
        yield from self.body.children()
        yield self.primary
        yield self.votes
        yield self.routing


CAPSULE = Architecture(
    "capsule",
    discriminator=Design(CapsuleSettings, CapsuleDiscriminator),
    fits=lambda spec: spec.on_grid,
)
