"""Training data: every source becomes one uint8 array."""

from .dataset import DataError, ImageData
from .load import BUILT_IN_DATA, DEFAULT_DATA, load_images

__all__ = ["BUILT_IN_DATA", "DEFAULT_DATA", "DataError", "ImageData", "load_images"]
