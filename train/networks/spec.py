"""What a sample is: all that the networks need to know of the data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SampleSpec:
    """Samples as networks see them, and by how many classes the networks are conditioned.

    `dropgan.train.kind.TrainingKind` makes it of each kind of data.
    """

    shape: tuple[int, ...]
    """Without the batch: (channels, height, width) of an image, (columns,) of a vector."""
    classes: int = 0
    """0 in a model without labels; else labels are 0 to ``classes - 1``."""
    bounded: bool = True
    """Whether all values lie between -1 and 1."""
    described: str = "such samples"
    """In words, for messages."""

    @property
    def on_grid(self) -> bool:
        """Whether values stand in rows and columns, [channels, height, width], as convolutions need them."""
        return len(self.shape) == 3
