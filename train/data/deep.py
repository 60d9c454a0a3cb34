"""Pictures with more than 8 bits per channel: their values, and the bit depth of a set of them.

Cameras and scanners store values of 10, 12 or 14 bits in 16-bit pictures. The file does not say so; the
largest value in the whole set shows it. For 16-bit colour Pillow returns only the upper bytes, which leaves
16 levels of a 12-bit value, so the lower bytes are read as well.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

Reopen = Callable[[], AbstractContextManager[Image.Image]]
"""Opens a picture once more."""

_DEPTHS = (8, 10, 12, 14, 16)
_BITS, _PHOTOMETRIC, _PLANES = 258, 262, 284  # tags of TIFF
_WHITE_IS_ZERO, _SEPARATE = 0, 2
# unpackers that give the lower byte of each value where the first gives the upper one
_LOWER = {";16B": ";16L", ";16L": ";16B", ";16N": ";16B"}


class DeepPictureError(Exception):
    """The values of a picture cannot be determined. The message is the reason alone."""


def depth_of(peak: int) -> int:
    """Return the bit depth of a set of pictures whose largest value is ``peak``: 8, 10, 12, 14 or 16."""
    return next(bits for bits in _DEPTHS if peak < 2**bits)


def depth_remark(name: str, peak: int) -> str:
    """Return a message about the depth of a set of pictures; empty if the values fill 16 bits."""
    if not peak or depth_of(peak) == 16:
        return ""
    return (
        f"{name}: no value of its 16-bit pictures is above {peak:,}, so they are read as pictures of"
        f" {depth_of(peak)} bits"
    )


@dataclass(frozen=True)
class DeepPicture:
    """A picture with more than 8 bits per channel.

    Attributes:
        values: uint16 [height, width, channels], without transparency.
        alpha: uint16 [height, width], or None if nothing is transparent.
        bits: Bit depth stated by the file, or 0 if it only says 16.
        inverted: True if 0 is white.
        mode: Pillow's mode of the picture in 8 bits, without transparency.
        orientation: Orientation as in EXIF.
    """

    values: NDArray[np.uint16]
    alpha: NDArray[np.uint16] | None
    bits: int
    inverted: bool
    mode: str
    orientation: int

    @property
    def peak(self) -> int:
        """The largest visible value; 0 if the file states its bit depth."""
        if self.bits:
            return 0
        seen = self.values if self.alpha is None else self.values[self.alpha > 0]
        return int(seen.max(initial=0))

    def in_eight_bits(self, depth: int) -> Image.Image:
        """Return the picture scaled to 8 bits; ``depth`` is the bit depth of its values if the file states
        none.
        """
        bits = self.bits or depth
        levels = _levels(bits, inverted=self.inverted)[self.values]
        height, width, _ = levels.shape
        image = Image.frombytes(self.mode, (width, height), levels.tobytes())
        if self.alpha is not None:
            of_values = self.alpha.max(initial=0) < 2**bits
            image.putalpha(Image.fromarray(_levels(bits if of_values else 16)[self.alpha]))
        image.getexif()[ExifTags.Base.Orientation] = self.orientation
        return image


def is_deep(image: Image.Image) -> bool:
    """Return True if an open picture has more than 8 bits per channel that Pillow can read."""
    return image.mode.startswith("I") or _colour_mode(image) != ""


def refuse_separate_planes(image: Image.Image) -> None:
    """Refuse a TIFF with separate planes of 16 bits, which Pillow reads as 8-bit.

    Raises:
        DeepPictureError: It is such a TIFF.
    """
    if _tag(image, _PLANES) == _SEPARATE and (_tag(image, _BITS) or 8) > 8 and ";16" not in _raw_mode(image):
        raise DeepPictureError("16-bit channels in separate planes are not supported")


def read_deep(image: Image.Image, reopen: Reopen | None) -> DeepPicture:
    """Read the values of a picture for which `is_deep` is true.

    Args:
        image: The picture, open and not loaded.
        reopen: Opens the picture a second time, for colour.

    Raises:
        DeepPictureError: It has more than 16 bits, or negative values.
    """
    mode = _colour_mode(image)
    bits, inverted = _stated_bits(image), _tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO
    if mode:
        values = _colour(image, reopen)
    else:
        mode = "L"
        grey = np.asarray(image)[..., np.newaxis]
        if grey.min(initial=0) < 0 or grey.max(initial=0) > 65535:
            raise DeepPictureError("grey values are negative or need more than 16 bits")
        values = grey.astype(np.uint16)
    alpha = None
    if mode in ("LA", "RGBA"):
        values, alpha = values[..., :-1], values[..., -1]
    elif (clear := image.info.get("transparency")) is not None:
        alpha = np.where((values == np.asarray(clear)).all(-1), 0, 65535).astype(np.uint16)
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)  # Pillow has turned a TIFF already
    return DeepPicture(values, alpha, bits, inverted, mode.removesuffix("A"), orientation)


def _colour_mode(image: Image.Image) -> str:
    """Return the mode of a 16-bit colour picture of which Pillow returns only the upper bytes; empty for
    others.
    """
    name, mark, _ = _raw_mode(image).partition(";16")
    return (
        {"LA": "LA", "RGB": "RGB", "RGBX": "RGB", "RGBA": "RGBA", "CMYK": "CMYK"}.get(name, "")
        if mark
        else ""
    )


def _raw_mode(image: Image.Image) -> str:
    """Return the raw mode of the first tile of a picture that is not loaded yet."""
    if not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return ""
    arguments = image.tile[0].args
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _colour(image: Image.Image, reopen: Reopen | None) -> NDArray[np.uint16]:
    raw_mode = _raw_mode(image)
    if raw_mode == "LA;16B":  # the four bytes as they lie
        return _unpacked(image, "RGBA").view(">u2").astype(np.uint16)
    assert reopen is not None  # only pictures that are loaded have none, and those have no raw mode
    name, mark = raw_mode[:-4], raw_mode[-4:]
    with reopen() as again:
        lower = _unpacked(again, name + _LOWER[mark])
    values = np.asarray(image).astype(np.uint16)
    values <<= 8
    values |= lower
    return values


def _unpacked(image: Image.Image, raw_mode: str) -> NDArray[np.uint8]:
    """Return the bytes that another unpacker gives for a picture that is not loaded yet."""
    assert isinstance(image, ImageFile.ImageFile)
    image.tile = [
        tile._replace(args=(raw_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else raw_mode)
        for tile in image.tile
    ]
    return np.asarray(image)


def _stated_bits(image: Image.Image) -> int:
    """Return the bit depth, if the file states one besides that of its container."""
    if image.format == "JPEG2000" or (isinstance(image, ImageFile.ImageFile) and _has_maximum(image)):
        return 16  # scaled to 16 bits by Pillow
    bits = _tag(image, _BITS)
    return bits if bits is not None and bits < 16 else 0


def _has_maximum(image: ImageFile.ImageFile) -> bool:
    """Return True for a PGM whose header has a maximum below 65535."""
    return bool(image.tile) and image.tile[0].codec_name == "ppm"


def _tag(image: Image.Image, tag: int) -> int | None:
    tags = getattr(image, "tag_v2", None)
    value = None if tags is None else tags.get(tag)
    return value[0] if isinstance(value, tuple) else value


def _levels(bits: int, *, inverted: bool = False) -> NDArray[np.uint8]:
    """Return the 8-bit level of each 16-bit value, for pictures of this bit depth."""
    largest = 2**bits - 1
    values = np.minimum(np.arange(65536), largest)
    levels: NDArray[np.uint8] = ((values * 255 + largest // 2) // largest).astype(np.uint8)
    return np.invert(levels) if inverted else levels  # 255 - level
