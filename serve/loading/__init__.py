"""Read untrusted model files and refuse unsafe ones by their bytes, before onnxruntime sees them."""

from .onnx_file import OnnxFile, digest_without, read_file, read_onnx, with_metadata
from .screen import Screened, require_plain, screen, screen_bytes

__all__ = [
    "OnnxFile",
    "Screened",
    "digest_without",
    "read_file",
    "read_onnx",
    "require_plain",
    "screen",
    "screen_bytes",
    "with_metadata",
]
