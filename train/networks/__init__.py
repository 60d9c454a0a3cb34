"""The networks and their architectures. `interface` defines how the rest of training uses them."""

from .architectures import ARCHITECTURES
from .build import build_networks
from .interface import Architecture, Design, DiscriminatorNetwork, GeneratorNetwork
from .layers import SLOPE
from .settings import DiscriminatorSettings, GeneratorSettings, LayerSettings
from .spec import SampleSpec
from .texture import roughness

__all__ = [
    "ARCHITECTURES",
    "SLOPE",
    "Architecture",
    "Design",
    "DiscriminatorNetwork",
    "DiscriminatorSettings",
    "GeneratorNetwork",
    "GeneratorSettings",
    "LayerSettings",
    "SampleSpec",
    "build_networks",
    "roughness",
]
