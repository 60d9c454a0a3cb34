"""Export a checkpoint to one verified ONNX file. Needs the extra ``dropgan[train]``.

Functions that only read files (the gate, certificates, comparisons) need only numpy and onnxruntime. Names
are imported on first use, so `dropgan inspect` works without PyTorch.
"""

import importlib
from typing import TYPE_CHECKING, Any

from dropgan.callable_module import make_callable

if TYPE_CHECKING:
    from .certificate import Recheck, recheck
    from .compare import Comparison, compare
    from .errors import ExportError
    from .gate import GateError, GateReport, check_inference_only
    from .parity import ParityError
    from .pipeline import add_scores, export, exported
    from .price import PriceError, Scorer

__all__ = [
    "Comparison",
    "ExportError",
    "GateError",
    "GateReport",
    "ParityError",
    "PriceError",
    "Recheck",
    "Scorer",
    "add_scores",
    "check_inference_only",
    "compare",
    "export",
    "exported",
    "recheck",
]

_HOMES = {
    "Comparison": "compare",
    "ExportError": "errors",
    "GateError": "gate",
    "GateReport": "gate",
    "ParityError": "parity",
    "PriceError": "price",
    "Recheck": "certificate",
    "Scorer": "price",
    "add_scores": "pipeline",
    "check_inference_only": "gate",
    "compare": "compare",
    "export": "pipeline",
    "exported": "pipeline",
    "recheck": "certificate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value  # also where a module has the name of what it holds
    return value


make_callable(__name__)
