"""The registry of architectures. A new one is a file in this folder and a name here."""

from ..registry import Registry
from .capsule import CAPSULE
from .conv import CONV
from .graph import GRAPH
from .graphs.architecture import EQUIVARIANT, MOLGAN
from .interface import Architecture
from .mlp import MLP
from .projected import PROJECTED
from .r3gan import R3GAN
from .resnet import RESNET

ARCHITECTURES: Registry[Architecture] = Registry(
    "architecture", MLP, CONV, RESNET, R3GAN, CAPSULE, GRAPH, PROJECTED, MOLGAN, EQUIVARIANT
)
