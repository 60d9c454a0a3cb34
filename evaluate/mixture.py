"""Shares of the classes among samples, with the classifier's mistakes taken out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .appearance import labelled
from .chance import unequal_p_value
from .features import FeatureNetwork, Features

_ROUNDS = 500
_UNSEEN = 1.0  # mistakes that nobody saw, of each class


@dataclass(frozen=True)
class ClassMixture:
    """The classes that samples are a mixture of, beside real images."""

    names: tuple[str, ...]
    drawn: NDArray[np.float64]
    """Share of each class among the samples, estimated; they add up to 1."""
    real: NDArray[np.float64]
    """Share of each class among the real images."""
    p_value: float
    """Probability of classifications that differ as much, if samples were real images."""

    @property
    def apart(self) -> float:
        """Share of the samples that would have to be of another class: total variation, 0 to 1."""
        return float(np.abs(self.drawn - self.real).sum()) / 2

    def below(self, share: float) -> tuple[str, ...]:
        """Return the classes that are drawn less often than this share of their own."""
        few = self.drawn < share * self.real
        return tuple(name for name, rare in zip(self.names, few, strict=True) if rare)


def class_mixture(
    network: FeatureNetwork, samples: Features, reals: Features, labels: NDArray[np.int64] | None
) -> ClassMixture | None:
    """Estimate the shares of the classes from how samples are classified.

    A weak classifier sees every class everywhere, so that a missing class hardly changes how often it is
    seen. How it classifies labelled images says which mixture of the classes makes the samples'
    classifications likeliest, which is found by expectation maximisation (Saerens, Latinne and Decaestecker,
    Neural Computation 2002).

    Args:
        network: The feature network.
        samples: Features of the samples.
        reals: Features of real images.
        labels: int64 [n], the places of the real images' classes among those of the network, for those that
            say what it confuses, and -1 for the others; None if they are not known.

    Returns:
        None if the network knows no classes by name, or no such labels are known.
    """
    names = network.class_names
    classes = len(names)
    found = labelled(reals.logits.argmax(1), labels, classes) if names and labels is not None else None
    if found is None:
        return None
    seen, known_labels = found
    counts, real_counts, real = (
        np.bincount(some, minlength=classes) for some in (samples.logits.argmax(1), seen, known_labels)
    )
    known = real > 0
    taken = np.zeros((classes, classes))
    np.add.at(taken, (known_labels, seen), 1)
    taken += _UNSEEN / classes
    taken = (taken / taken.sum(1, keepdims=True))[known]
    shares = real[known] / real.sum()
    for _ in range(_ROUNDS):
        joint = shares[:, None] * taken
        shares = (joint / joint.sum(0)) @ (counts / counts.sum())
    drawn = np.zeros(classes)
    drawn[known] = shares
    return ClassMixture(names, drawn, real / real.sum(), unequal_p_value(counts, real_counts))
