"""Show arrays of samples as pictures: a grid, and PNG bytes."""

import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError, MissingExtraError

_MOST_COLUMNS = 32
_WIDE = 800  # screen pixels that a picture of samples is to have


def class_columns(count: int, classes: int) -> int | None:
    """Return the columns of a grid that gives each class its own columns, if sample i has class i modulo
    ``classes``.

    This is the multiple of ``classes`` that makes the grid most nearly square. It is None for no classes and
    for over 32.
    """
    if not 1 < classes <= _MOST_COLUMNS:
        return None
    return classes * max(1, round(math.sqrt(count) / classes))


def shown_scale(count: int, width: int, columns: int | None = None) -> int:
    """Return the integer scale at which a `grid` of ``count`` images is at least 800 pixels wide.

    Args:
        count: Number of images.
        width: Width of an image in pixels.
        columns: As for `grid`.
    """
    across = columns or math.ceil(math.sqrt(count))
    return -(-_WIDE // (across * (width + 1) + 1))


def grid(
    images: NDArray[np.uint8], columns: int | None = None, *, scale: int = 1, gap: int = 1
) -> NDArray[np.uint8]:
    """Arrange images row by row in one picture.

    Args:
        images: uint8 [n, height, width, channels], n at least 1.
        columns: Images per row; None makes the grid as nearly square as possible.
        scale: Integer factor by which each pixel is enlarged.
        gap: White pixels between and around the images, before scaling.

    Returns:
        uint8 [grid height, grid width, channels].

    Raises:
        InputError: ``images`` has the wrong shape or type.
    """
    if images.ndim != 4 or len(images) == 0 or images.dtype != np.uint8:
        raise InputError("a grid needs uint8 images of shape [n, height, width, channels]")
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    picture = np.full(
        (rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 255, dtype=np.uint8
    )
    for place, image in enumerate(images):
        top = gap + place // columns * (height + gap)
        left = gap + place % columns * (width + gap)
        picture[top : top + height, left : left + width] = image
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode one image as PNG.

    Args:
        image: uint8 [height, width, channels], 1 (grey), 3 (RGB) or 4 (RGBA) channels.

    Raises:
        MissingExtraError: Pillow is not installed.
        InputError: The image has the wrong shape.
    """
    picture = _pillow().fromarray(_squeeze(image))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _squeeze(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
        raise InputError(f"a picture needs 1, 3 or 4 channels, not shape {list(image.shape)}")
    return np.ascontiguousarray(image[:, :, 0] if image.shape[2] == 1 else image)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError(
            "pictures need Pillow: install it with pip install 'dropgan[batch]'"
        ) from error
    return Image
