"""Training's side of images."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from ..data import ImageData
from ..data.origins import Origins
from ..data.scaling import FROM_PIXELS, Scaling
from ..kind import TrainingKind
from ..monitor.samples import SamplePicture, image_grid


class Images(TrainingKind[ImageData]):
    """Grey or colour images; in networks channels come first and values lie between -1 and 1."""

    name: ClassVar[str] = "images"
    metric: ClassVar[str] = "dropgan.evaluate.validation.metric:image_metric"
    evaluation: ClassVar[str] = "dropgan.evaluate.kinds.images:answer"
    file_scorer: ClassVar[str] = "dropgan.evaluate.kinds.images:file_scorer"
    has_features: ClassVar[bool] = True
    has_report: ClassVar[bool] = True

    def network_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return (channels, height, width)."""
        height, width, channels = shape
        return channels, height, width

    def described(self, shape: Sequence[int]) -> str:
        """Return colour and size as text."""
        height, width, channels = shape
        return f"{'grey' if channels == 1 else 'colour'} pictures of {width}x{height}"

    def scaling(self, data: ImageData) -> Scaling:
        """Return the scaling of black to -1 and white to 1."""
        return FROM_PIXELS

    def picture(self, data: ImageData, classes: int) -> SamplePicture:
        """Return a grid."""
        return image_grid(classes)

    def facts(self, data: ImageData) -> dict[str, Any]:
        """Return size, channels, and facts about the files."""
        height, width, channels = data.shape
        origins = None if data.origins is None else asdict(data.origins)
        return {"height": height, "width": width, "channels": channels, "origins": origins}

    def told(self, data: ImageData) -> list[tuple[str, str]]:
        """Return sizes, modes, and the changes made to the pictures, as text."""
        return [] if data.origins is None else _told(data.origins, data.shape)


def _told(origins: Origins, shape: tuple[int, ...]) -> list[tuple[str, str]]:
    height, width, channels = shape
    total = origins.grey + origins.colour
    lines = []
    if origins.sizes > 1:
        commonest = f"{_size(origins.commonest)} is the commonest ({origins.alike:,} pictures)"
        span = f"{origins.sizes:,} sizes, {_size(origins.smallest)} to {_size(origins.largest)}"
        lines.append(
            ("sizes", f"{span}; {commonest if origins.alike > 1 else f'median side {origins.side}'}")
        )
    elif origins.commonest != (width, height):
        lines.append(("sizes", f"all files are {_size(origins.commonest)}"))
    modes = [
        f"{count:,} {word}" for word, count in (("colour", origins.colour), ("grey", origins.grey)) if count
    ]
    if origins.transparent:
        modes.append(f"{origins.transparent:,} with transparency, laid on white")
    if origins.deep:
        modes.append(f"{origins.deep:,} of 16 bits a channel, scaled to 8")
    if origins.colour and channels == 1:
        modes.append("all turned grey or grey in every pixel")
    lines.append(("modes", ", ".join(modes)))
    changes = (("cut to the middle square", origins.cut), ("made smaller", origins.reduced),
               ("made larger, which adds no detail", origins.enlarged))  # fmt: skip
    changed = [f"{'all' if count == total else f'{count:,}'} {what}" for what, count in changes if count]
    if changed:
        lines.append(("resized", f"to {width}x{height}: {', '.join(changed)}"))
    return lines


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


KIND = Images()
