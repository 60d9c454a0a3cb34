"""Images."""

from collections.abc import Sequence
from typing import ClassVar

from ..data import ImageData
from ..data.scaling import FROM_PIXELS, Scaling
from ..kind import TrainingKind
from ..monitor.samples import SamplePicture, image_grid

DOMAIN_SHAPE = (28, 28, 1)
"""Of the images for which a feature network comes with dropgan."""


class Images(TrainingKind[ImageData]):
    """Grey or coloured images, channels first and between -1 and 1 in networks."""

    name: ClassVar[str] = "images"
    metric: ClassVar[str] = "dropgan.evaluate.validation.metric:image_metric"
    evaluation: ClassVar[str] = "dropgan.evaluate.kinds.images:answer"
    file_scorer: ClassVar[str] = "dropgan.evaluate.kinds.images:file_scorer"
    has_report: ClassVar[bool] = True

    def network_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """(channels, height, width)."""
        height, width, channels = shape
        return channels, height, width

    def described(self, shape: Sequence[int]) -> str:
        """Colour and size."""
        height, width, channels = shape
        return f"{'grey' if channels == 1 else 'colour'} pictures of {width}x{height}"

    def scaling(self, data: ImageData) -> Scaling:
        """-1 black to 1 white."""
        return FROM_PIXELS

    def picture(self, data: ImageData, classes: int) -> SamplePicture:
        """A grid."""
        return image_grid(classes)

    def unscored(self, data: ImageData) -> str:
        """The feature network is for images of one shape."""
        if data.shape == DOMAIN_SHAPE:
            return ""
        return (
            "the features that come with dropgan are for 28x28 grey images; train some on your own data"
            " with dropgan evaluate --fit-features"
        )


KIND = Images()
