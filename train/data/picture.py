"""One picture to pixels of a stated size: the rule ``lanczos-2``.

1. The first frame, turned as its EXIF orientation says.
2. Pictures of 16 bits a channel are scaled to 8, by the depth of the values of their set (see
   `deep`); what is transparent is laid on white; CMYK, palettes and every other mode become RGB by
   Pillow's conversion, colour profiles left aside. Grey, where asked for, is ITU-R 601 luma.
3. The largest square in the middle is cut out and resized to the wanted size with Pillow's Lanczos
   filter, whose support grows with the reduction, so that it is antialiased (the difference that
   makes: Parmar, Zhang, Zhu, "On aliased resizing and surprising subtleties in GAN evaluation",
   CVPR 2022). A JPEG more than three times too large is first reduced by its own decoder, and
   anything more than three times too large by whole factors with a box filter.

Without a wanted size a picture keeps its own.
"""

import io
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from .deep import Reopen, is_deep, read_deep, refuse_separate_planes
from .origins import Origin

RULE = "lanczos-2"
SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("avif", "bmp", "gif", "jfif", "jp2", "jpe", "jpeg", "jpg", "pbm", "pgm", "png"),
        *("pnm", "ppm", "tga", "tif", "tiff", "webp"),
    )
)
# Pillow reads more, and starts Ghostscript for EPS; a TGA has no mark of its own, so it comes last
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "JPEG2000", "PPM", "TGA")
logging.getLogger("PIL").addHandler(logging.NullHandler())  # what odd files make it say, we say
_GAP = 3  # a reduction in two steps cannot be told from one step where the second is by 3 or more
_GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
_ON_ITS_SIDE = (5, 6, 7, 8)  # of EXIF's orientations
_WHITE = (255, 255, 255, 255)


class BrokenPictureError(Exception):
    """A picture cannot be read. The message is the reason alone."""


class Picture(NamedTuple):
    """A decoded picture."""

    pixels: NDArray[np.uint8]
    """uint8 [height, width, 1 or 3]."""
    peak: int = 0
    """Largest value of a picture of 16 bits, from which the depth of the set is found; else 0."""
    more: bool = False
    """True if the file has more frames or pages than the first."""
    origin: Origin | None = None
    """Facts about the original picture; None for an array."""


def read_picture(encoded: Path | bytes, size: int, *, grey: bool, depth: int = 16) -> Picture:
    """Decode one picture.

    Args:
        encoded: Path of an ordinary file, or its content, in one of the formats of `SUFFIXES`.
        size: Side in pixels, or 0 for the picture's own size.
        grey: Return one channel instead of three.
        depth: Bit depth of the values in 16-bit pictures.

    Raises:
        BrokenPictureError: It cannot be decoded, whatever the reason.
    """
    try:
        with _opened(encoded) as image:
            origin = _origin(image)
            if size:
                image.draft("L" if image.mode == "L" else "RGB", (_GAP * size, _GAP * size))
            picture = _decoded(image, size, grey=grey, depth=depth, reopen=partial(_opened, encoded))
            return picture._replace(more=_has_more(image), origin=_turned(origin, image))
    except Exception as error:
        reason = str(error) or type(error).__name__
        if isinstance(encoded, Path):
            reason = reason.replace(str(encoded), "the file")
        if isinstance(error, UnidentifiedImageError):  # its text has an address in memory
            reason = "not a picture of a known format"
        raise BrokenPictureError(" ".join(reason.split())[:200]) from error


def read_loaded(image: Image.Image, size: int, *, grey: bool, depth: int = 16) -> Picture:
    """Apply the same rule to a picture that a program has opened.

    If 16-bit colour is already loaded, Pillow has kept only the upper bytes.

    Raises:
        BrokenPictureError: It cannot be decoded, whatever the reason.
    """
    if isinstance(image, ImageFile.ImageFile) and image.tile and image.fp and is_deep(image):
        image.fp.seek(0)
        return read_picture(image.fp.read(), size, grey=grey, depth=depth)
    try:
        image.load()
        return _decoded(image, size, grey=grey, depth=depth, reopen=None)
    except Exception as error:
        raise BrokenPictureError(" ".join(str(error).split())[:200] or type(error).__name__) from error


def resize_pixels(pixels: NDArray[np.uint8], size: int, *, grey: bool) -> NDArray[np.uint8]:
    """Apply the same rule to pixels uint8 [height, width, 1 or 3]."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return _pixels(image, size, grey=grey)


def open_file(path: Path) -> io.BufferedReader:
    """Open an ordinary file for reading. A pipe or device, which might never end, is refused.

    Raises:
        OSError: It is not an ordinary file, or cannot be opened.
    """
    # a pipe that nobody writes to would block here without O_NONBLOCK
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is not an ordinary file")
    return os.fdopen(descriptor, "rb")


@contextmanager
def _opened(encoded: Path | bytes) -> Iterator[Image.Image]:
    with (
        open_file(encoded) if isinstance(encoded, Path) else io.BytesIO(encoded) as file,
        Image.open(file, formats=_formats()) as image,
    ):
        yield image


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)  # AVIF depends on Pillow's build


def _has_more(image: Image.Image) -> bool:
    """Return True if there are more frames. Those of a JPEG are previews and depth maps and do not count."""
    with suppress(EOFError, OSError, SyntaxError, ValueError):  # of a later frame, which is not read
        return bool(getattr(image, "is_animated", False)) and image.format != "MPO"
    return False


def _decoded(image: Image.Image, size: int, *, grey: bool, depth: int, reopen: Reopen | None) -> Picture:
    if image.mode == "F":
        raise BrokenPictureError("floating-point pixels have no stated range")
    refuse_separate_planes(image)
    if not is_deep(image):
        return Picture(_pixels(image, size, grey=grey))
    deep = read_deep(image, reopen)
    return Picture(_pixels(deep.in_eight_bits(depth), size, grey=grey), deep.peak)


def _origin(image: Image.Image) -> Origin:
    """Return the facts from the header. It must not load the pixels, because their lower bytes
    would be lost.
    """
    grey = image.mode in _GREY
    return Origin(*image.size, grey, bool(image.has_transparency_data), is_deep(image))


def _turned(origin: Origin, image: Image.Image) -> Origin:
    """Return the facts after orientation. Reading the orientation of a PNG loads its pixels."""
    if image.getexif().get(ExifTags.Base.Orientation, 1) in _ON_ITS_SIDE:
        return origin._replace(width=origin.height, height=origin.width)
    return origin


def _pixels(image: Image.Image, size: int, *, grey: bool) -> NDArray[np.uint8]:
    plain = _opaque(ImageOps.exif_transpose(image)).convert("L" if grey else "RGB")
    if size:
        plain = _cut_and_resized(plain, size)
    pixels: NDArray[np.uint8] = np.asarray(plain)
    return pixels[..., np.newaxis] if grey else pixels


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image.convert("RGBA"))


def _cut_and_resized(image: Image.Image, size: int) -> Image.Image:
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    if width != height:
        image = image.crop((left, top, left + side, top + side))
    return image.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=_GAP)
