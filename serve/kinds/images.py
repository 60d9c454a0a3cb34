"""Images."""

from collections.abc import Mapping
from typing import ClassVar

from ..card import Card
from ..errors import ModelError
from ..kind import PICTURES, Kind, Output

_PICTURE_CHANNELS = (1, 3, 4)


class Images(Kind):
    """Grey or colour images; the card's shape is (height, width, channels)."""

    name: ClassVar[str] = "images"
    one: ClassVar[str] = "image"
    outputs: ClassVar[Mapping[str, Output]] = {
        "pixels": Output("uint8", "uint8 pixels", "levels of 255"),
        "float": Output("float32", "floats, -1 to 1", ""),
    }
    shown_as: ClassVar[str] = PICTURES
    usual_format: ClassVar[str] = "png"
    in_browsers: ClassVar[bool] = True

    def layout(self, card: Card) -> str:
        """Return ``nhwc``, ``nchw``, or ``rgb-nchw`` (grey repeated)."""
        return card.export.layout or ("nhwc" if card.export.output == "pixels" else "nchw")

    def output_shape(self, card: Card) -> tuple[int, ...]:
        """Return (height, width, channels), or the same with the channels first."""
        if len(card.data.shape) != 3:
            raise ModelError("the model's card has images without height, width and channels")
        (height, width, channels), layout = card.data.shape, self.layout(card)
        if layout == "rgb-nchw" and channels in (1, 3):
            return 3, height, width
        if layout not in ("nhwc", "nchw"):
            raise ModelError(f"the model's card has an unknown layout {layout[:80]!r}: upgrade dropgan")
        return (height, width, channels) if layout == "nhwc" else (channels, height, width)

    def last_axis(self, card: Card) -> int | None:
        """Return the channel axis. Samples are shown and stored with channels last, whatever the file's
        layout.
        """
        return 1 if card.export.output == "pixels" and self.layout(card) != "nhwc" else None

    def lacks(self, card: Card, view: str) -> str:
        """Return an empty text only for uint8 pixels with 1, 3 or 4 channels."""
        if view != PICTURES:
            return "makes images"
        if card.export.output != "pixels":
            return "gives floats: export it with --output pixels"
        channels = 3 if self.layout(card) == "rgb-nchw" else card.data.shape[2]
        if channels not in _PICTURE_CHANNELS:
            return f"makes images of {channels} channels, a picture has 1, 3 or 4"
        return ""


KIND = Images()
