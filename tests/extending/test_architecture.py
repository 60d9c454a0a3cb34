"""An architecture from one file: a generator that is one matrix, beside dropgan's own discriminators."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dropgan.train.networks.architectures import ARCHITECTURES
from dropgan.train.networks.interface import Architecture, Design, GeneratorNetwork
from dropgan.train.networks.settings import GeneratorSettings
from dropgan.train.networks.spec import SampleSpec

from .conftest import WholeWay


class LinearSettings(GeneratorSettings):
    gain: float = 1.0
    """Factor of the weights that it begins with."""


class LinearGenerator(GeneratorNetwork):
    """Principal components with dropout of latents, if you like."""

    def __init__(self, settings: LinearSettings, spec: SampleSpec) -> None:
        super().__init__()
        self.shape = spec.shape
        self.dropout = nn.Dropout(settings.dropout)
        self.output = nn.Linear(settings.latent_dim, math.prod(spec.shape))
        with torch.no_grad():
            self.output.weight.mul_(settings.gain)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return torch.tanh(self.output(self.dropout(latents)).float()).view(-1, *self.shape)


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ARCHITECTURES, "_things", dict(ARCHITECTURES._things))
    ARCHITECTURES.register(Architecture("linear", generator=Design(LinearSettings, LinearGenerator)))


@pytest.mark.usefixtures("linear")
def test_an_architecture(whole_way: WholeWay) -> None:
    """A new generator trains against a discriminator of another architecture, without dropout in the file."""
    samples = whole_way("generator.architecture=linear", "generator.gain=2")
    assert (samples.shape, samples.dtype) == ((10, 28, 28, 1), np.uint8)


@pytest.mark.usefixtures("linear")
def test_half_an_architecture_is_said(whole_way: WholeWay) -> None:
    """There is no linear discriminator; a recipe that asks for one gets a line, not a traceback."""
    with pytest.raises(AssertionError, match="linear"):
        whole_way("discriminator.architecture=linear")
