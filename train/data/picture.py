"""One picture to pixels of a stated size: the rule ``lanczos-1``.

1. The first frame, turned as its EXIF orientation says.
2. 16-bit grey is scaled to 8 bits; what is transparent is laid on white; CMYK, palettes and every
   other mode become RGB by Pillow's conversion, colour profiles left aside. Grey, where asked for,
   is ITU-R 601 luma.
3. The largest square in the middle is cut out and resized to the wanted size with Pillow's Lanczos
   filter, whose support grows with the reduction, so that it is antialiased (the difference that
   makes: Parmar, Zhang, Zhu, "On aliased resizing and surprising subtleties in GAN evaluation",
   CVPR 2022). A JPEG more than three times too large is first reduced by its own decoder, and
   anything more than three times too large by whole factors with a box filter.

Without a wanted size a picture keeps its own.
"""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

RULE = "lanczos-1"
_GAP = 3  # a reduction in two steps cannot be told from one step where the second is by 3 or more
_WHITE = (255, 255, 255, 255)


class BrokenPictureError(Exception):
    """A picture that cannot be read; the message is the reason alone."""


def read_picture(encoded: Path | bytes, size: int, *, grey: bool) -> NDArray[np.uint8]:
    """Decode one picture.

    Args:
        encoded: A file's path or content, in any format that Pillow reads.
        size: Pixels of each side, or 0 for the picture's own size.
        grey: Whether one channel is wanted; else there are three.

    Returns:
        uint8 [height, width, channels].

    Raises:
        BrokenPictureError: It cannot be decoded, whatever the reason.
    """
    try:
        with Image.open(encoded if isinstance(encoded, Path) else io.BytesIO(encoded)) as image:
            if size:
                image.draft("L" if image.mode == "L" else "RGB", (_GAP * size, _GAP * size))
            return pixels_of(image, size, grey=grey)
    except Exception as error:
        reason = str(error) or type(error).__name__
        if isinstance(encoded, Path):
            reason = reason.replace(str(encoded), "the file")
        raise BrokenPictureError(" ".join(reason.split())[:200]) from error


def resize_pixels(pixels: NDArray[np.uint8], size: int, *, grey: bool) -> NDArray[np.uint8]:
    """The same rule for pixels uint8 [height, width, 1 or 3]."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return pixels_of(image, size, grey=grey)


def pixels_of(image: Image.Image, size: int, *, grey: bool) -> NDArray[np.uint8]:
    """The same rule for a picture that is open.

    Raises:
        BrokenPictureError: It has no stated range, or cannot be decoded.
    """
    upright = ImageOps.exif_transpose(image)
    plain = _opaque(_eight_bits(upright)).convert("L" if grey else "RGB")
    if size:
        plain = _cut_and_resized(plain, size)
    pixels: NDArray[np.uint8] = np.asarray(plain)
    return pixels[..., np.newaxis] if grey else pixels


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise BrokenPictureError("floating-point pixels have no stated range")
    if not image.mode.startswith("I"):
        return image
    deep = np.asarray(image).astype(np.int64)  # I;16 in either byte order, or I, which PGM gives
    if deep.min() < 0 or deep.max() > 65535:
        raise BrokenPictureError("grey of more than 16 bits")
    return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))


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
