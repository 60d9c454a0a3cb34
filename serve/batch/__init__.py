"""Batch generation: any number of samples into shards, exactly once, on one machine or many."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .formats import FORMATS

if TYPE_CHECKING:
    from .call import Report, generate
    from .check import VerifyReport, verify
    from .job import Part

__all__ = ["FORMATS", "Part", "Report", "VerifyReport", "generate", "verify"]

# Loaded when first asked for: the command line wants the formats' names, numpy only to sample.
_HOMES = {
    "Part": "job",
    "Report": "call",
    "VerifyReport": "check",
    "generate": "call",
    "verify": "check",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
