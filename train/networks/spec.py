"""What a sample is: all that the networks need to know of the data."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SampleSpec:
    """Shape of a sample, and by how many classes the networks are conditioned."""

    shape: tuple[int, ...]
    """Without the batch: (channels, height, width) of an image, (columns,) of a vector."""
    classes: int = 0
    """0 in a model without labels; else labels are 0 to ``classes - 1``."""

    @property
    def is_image(self) -> bool:
        """Whether samples are images, between -1 and 1; else they are standardised vectors."""
        return len(self.shape) == 3

    @property
    def described(self) -> str:
        """In words, for messages."""
        if self.is_image:
            channels, height, width = self.shape
            return f"images of {width}x{height} pixels in {channels} channel{'s' * (channels > 1)}"
        return f"vectors of {self.shape[0]} columns"


def network_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Of a sample as networks have it: images with the channels first, vectors as they are.

    Args:
        shape: Of a sample as data have it: (height, width, channels), or (components,).
    """
    return (shape[-1], *shape[:-1])
