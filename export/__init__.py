"""Export: a checkpoint to one verified ONNX file. Needs the extra ``dropgan[train]``."""

from .export import add_scores, export
from .gate import GateError, GateReport, check_inference_only
from .graph import ExportError
from .parity import ParityError

__all__ = [
    "ExportError",
    "GateError",
    "GateReport",
    "ParityError",
    "add_scores",
    "check_inference_only",
    "export",
]
