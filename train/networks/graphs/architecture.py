"""Architectures ``molgan`` and ``equivariant``."""

from typing import Any

from ..interface import Architecture, Design, DiscriminatorNetwork
from .generators import (
    EquivariantGenerator,
    EquivariantGeneratorSettings,
    MolGANGenerator,
    MolGANGeneratorSettings,
)
from .rgcn import RGCNDiscriminator, RGCNSettings

_JUDGE: Design[Any, DiscriminatorNetwork] = Design(RGCNSettings, RGCNDiscriminator)

MOLGAN = Architecture(
    "molgan",
    Design(MolGANGeneratorSettings, MolGANGenerator),
    _JUDGE,
    fits=lambda spec: spec.graphs is not None,
)
EQUIVARIANT = Architecture(
    "equivariant",
    Design(EquivariantGeneratorSettings, EquivariantGenerator),
    _JUDGE,
    fits=lambda spec: spec.graphs is not None,
)
