"""The floor: real images scored like samples, with which the rules of the verdict compare.

These are the held-out images, if there are any. Otherwise a part of the real images is held out and compared
with the rest. It is the part that fitted features were not trained on, so it is as new to them as samples
are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropgan.train.data import DataError
from dropgan.train.features.kept import set_aside

from .scoring import MIN_SAMPLES, Reference


@dataclass(frozen=True)
class Floor:
    """Real images that are scored like samples."""

    reals: Reference
    """The real images that both are compared with."""
    unseen: Reference
    """Others of the same kind, in the samples' place."""
    held_out: bool
    """True if the model never saw these; otherwise they are a part of the real images."""

    def __str__(self) -> str:
        return f"{len(self):,} {'held-out images' if self.held_out else 'real images set aside'}"

    def __len__(self) -> int:
        return len(self.unseen.features)


def floor_of(reference: Reference, held_out: Reference | None) -> Floor | None:
    """Return the floor of an evaluation; None if there are too few real images.

    Args:
        reference: The real images.
        held_out: Images that the model never saw, if there are any.
    """
    if held_out is not None:
        return Floor(reference, held_out, held_out=True) if len(held_out.features) >= MIN_SAMPLES else None
    aside = set_aside(len(reference.features))
    if len(aside) < MIN_SAMPLES:
        return None
    rest = np.setdiff1d(np.arange(len(reference.features)), aside)
    try:
        return Floor(_part(reference, rest), _part(reference, np.sort(aside)), held_out=False)
    except DataError:  # a part of images that are all alike
        return None


def _part(reference: Reference, rows: NDArray[np.int64]) -> Reference:
    data = reference.data
    labels = None if data.labels is None else data.labels[rows]
    part = data.changed(images=np.ascontiguousarray(data.images[rows]), labels=labels)
    return Reference(part, reference.network, reference.features[rows], reference.split)
