"""Export of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..deployment import Deployment, Wanted
from ..ending import Ending, Tolerance, Tolerances
from ..errors import ExportError

if TYPE_CHECKING:
    import onnx
    from torch import Tensor

_LAYOUTS = {"pixels": "nhwc", "float": "nchw"}
"""The usual one of each output: channels last as pictures are shown and stored, first as tools expect."""
LAYOUTS = ("nhwc", "nchw", "rgb-nchw")

TOLERANCES: Tolerances = {
    # a value next to a half may round either way: one level, and that rarely
    ("fp32", "pixels"): Tolerance(1, 0.01),
    ("fp32", "float"): Tolerance(1e-5, 1e-6),
    # ten bits of float16 over a few layers
    ("fp16", "pixels"): Tolerance(4, 0.1),
    ("fp16", "float"): Tolerance(0.03, 1e-3),
    # bytes move single pixels at edges as far as they go; what counts is the mean, and the score
    ("int8", "pixels"): Tolerance(255, 3.5),
    ("int8", "float"): Tolerance(2, 3.5 / 127.5),
}


class ImageEnding(Ending):
    """Pixels or floats in a layout."""

    value: ClassVar[str] = "images"
    tolerances: ClassVar[Tolerances] = TOLERANCES

    def __init__(self, output: str = "", layout: str = "") -> None:
        """Check the output and the layout.

        Args:
            output: ``pixels`` (uint8) or ``float`` (float32, -1 to 1); empty: pixels.
            layout: ``nhwc``, ``nchw`` or ``rgb-nchw`` (grey repeated into three channels); empty for
                the output's usual one.

        Raises:
            ExportError: The output or the layout is unknown.
        """
        self.output = output or "pixels"
        if self.output not in _LAYOUTS:
            raise ExportError(f"output must be pixels or float, not {self.output!r}")
        if layout and layout not in LAYOUTS:
            raise ExportError(f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
        self.layout = layout or _LAYOUTS[self.output]
        self.scored = self.output == "pixels" and self.layout != "rgb-nchw"

    @property
    def meaning(self) -> str:
        """Return range and order of the axes."""
        order = "height, width, channels" if self.layout == "nhwc" else "channels, height, width"
        scale = "pixels, 0 black to 255 white" if self.output == "pixels" else "-1 black to 1 white"
        return f"{scale}; batch, {order}"

    def require(self, shape: tuple[int, ...]) -> None:
        """Require (channels, height, width)."""
        if len(shape) != 3 or min(shape) < 1:
            raise ExportError(
                f"the generator must make images [n, channels, height, width], not [n, {list(shape)}]"
            )
        if self.layout == "rgb-nchw" and shape[0] not in (1, 3):
            raise ExportError(f"layout rgb-nchw is for grey or RGB images, not {shape[0]} channels")

    def append(self, model: onnx.ModelProto, shape: tuple[int, ...]) -> None:
        """Add scaling, rounding and layout."""
        from ..postprocessing import append_postprocessing

        channels, height, width = shape
        append_postprocessing(model, (channels, height, width), output=self.output, layout=self.layout)

    def apply(self, made: Tensor) -> Tensor:
        """Return uint8 or float32 samples in the layout."""
        from dropgan.train.data.pixels import to_pixels

        if self.output == "pixels":
            made = to_pixels(made).permute(0, 3, 1, 2)
        if self.layout == "nhwc":
            return made.permute(0, 2, 3, 1)
        return made.expand(-1, 3, -1, -1) if self.layout == "rgb-nchw" else made

    def channels_last(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Return pixels with channels last, and floats unchanged."""
        moved = self.output == "pixels" and self.layout != "nhwc"
        return np.moveaxis(samples, 1, 3) if moved else samples


class Images(Deployment):
    """Images in any output, layout and precision."""

    name: ClassVar[str] = "images"
    tolerances: ClassVar[Tolerances] = TOLERANCES

    def ending(self, data: dict[str, Any], wanted: Wanted) -> ImageEnding:
        """Return the ending for the requested output and layout."""
        return ImageEnding(wanted.output, wanted.layout)


DEPLOYMENT = Images()
