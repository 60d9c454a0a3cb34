"""Training data: every source becomes one uint8 array."""

from .dataset import DataError, ImageData
from .load import DEFAULT_DATA, load_images

__all__ = ["DEFAULT_DATA", "DataError", "ImageData", "load_images"]
