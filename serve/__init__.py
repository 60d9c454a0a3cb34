"""The light runtime: sample from an exported generator with numpy and onnxruntime alone."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    DeviceError,
    DropganError,
    InputError,
    MissingExtraError,
    MissingModelError,
    ModelError,
    OptionError,
    OutputError,
    RuntimeMissingError,
)

if TYPE_CHECKING:
    from .atomic import atomic_file, write_text
    from .card import Card
    from .client import Client
    from .generator import Generator
    from .labels import LABEL_STREAM_NAME, LabelStream
    from .latents import STREAM_NAME, LatentStream
    from .pictures import encode_png
    from .reporter import Progress, Reporter

__all__ = [
    "LABEL_STREAM_NAME",
    "STREAM_NAME",
    "Card",
    "Client",
    "DeviceError",
    "DropganError",
    "Generator",
    "InputError",
    "LabelStream",
    "LatentStream",
    "MissingExtraError",
    "MissingModelError",
    "ModelError",
    "OptionError",
    "OutputError",
    "Progress",
    "Reporter",
    "RuntimeMissingError",
    "atomic_file",
    "encode_png",
    "write_text",
]

# Loaded when first asked for: the command line needs the errors at once, numpy only to sample.
_HOMES = {
    "Card": "card",
    "Client": "client",
    "Generator": "generator",
    "LABEL_STREAM_NAME": "labels",
    "LabelStream": "labels",
    "LatentStream": "latents",
    "Progress": "reporter",
    "Reporter": "reporter",
    "STREAM_NAME": "latents",
    "atomic_file": "atomic",
    "encode_png": "pictures",
    "write_text": "atomic",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
