"""Training data: every source becomes one uint8 array."""

from .classes import label_fingerprint, with_classes
from .dataset import DataError, ImageData
from .load import BUILT_IN_DATA, DEFAULT_DATA, holds_pictures, load_images, unchanging_name
from .options import DataOptions, Watcher, options_differences

__all__ = [
    "BUILT_IN_DATA",
    "DEFAULT_DATA",
    "DataError",
    "DataOptions",
    "ImageData",
    "Watcher",
    "holds_pictures",
    "label_fingerprint",
    "load_images",
    "options_differences",
    "unchanging_name",
    "with_classes",
]
