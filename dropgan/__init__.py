"""Train a GAN with dropout, ship its generator as one ONNX file, and sample from it without PyTorch.

Importing `dropgan` loads nothing else: each name below is loaded when you first use it. `train`,
`export`, `evaluate` and `sweep` are subpackages that you can also call, so both of these work:

    dropgan.train("runs/a", data=images)
    from dropgan.train import load_recipe

It also turns off onnxruntime's telemetry, for this process and those that it starts: see
docs/security.md.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# onnxruntime reads it when it is imported, by whomever, and its own switch comes too late.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from dropgan.evaluate import evaluate as evaluate
    from dropgan.export import export as export
    from dropgan.pipeline import run as run
    from dropgan.serve import Generator as Generator
    from dropgan.sweep import sweep as sweep
    from dropgan.train import resume as resume
    from dropgan.train import train as train

__all__ = ["Generator", "__version__", "evaluate", "export", "resume", "run", "sweep", "train"]

_STAGES = ("evaluate", "export", "serve", "sweep", "train")
_HOMES = {"Generator": "serve", "resume": "train", "run": "pipeline"}


def __getattr__(name: str) -> Any:
    if name in _STAGES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
