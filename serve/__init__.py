"""The light runtime: sample from an exported generator with numpy and onnxruntime alone."""

from .card import Card
from .errors import (
    DeviceError,
    DropganError,
    InputError,
    MissingExtraError,
    ModelError,
    OutputError,
    RuntimeMissingError,
)
from .generator import Generator
from .latents import STREAM_NAME, LatentStream

__all__ = [
    "STREAM_NAME",
    "Card",
    "DeviceError",
    "DropganError",
    "Generator",
    "InputError",
    "LatentStream",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "RuntimeMissingError",
]
