"""Check that the samples of a class-conditional model have the requested classes.

The score is the share of samples that a classifier of real images assigns to the requested class. It is the
"classification accuracy score" in reverse, as Odena, Olah, Shlens, "Conditional image synthesis with
auxiliary classifier GANs", ICML 2017, section 4.1, measure discriminability.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.card import ScoreCard
from dropgan.serve.classes import Classes
from dropgan.train.data import labels_for_model

from .features import FeatureNetwork, Features
from .floor import Floor
from .scoring import score_name

METRIC = "class_agreement"


def asked_labels(generator: Generator, samples: int, *, seed: int) -> NDArray[np.int64] | None:
    """Return the classes that the model draws by default, int64 [n]; None for a model without classes."""
    return generator.labels(samples, seed=seed) if generator.classes else None


@dataclass(frozen=True)
class ClassAgreement:
    """The number of images of one class that the feature network classifies correctly."""

    name: str
    """The class that was asked for."""
    samples: int
    """Generated samples of it."""
    agreed: int
    """Number of those that look like the class."""
    reals: int
    """Real images of it, set aside or held out; 0 where none has a label."""
    real_agreed: int
    """Number of those that look like the class."""


def class_agreements(
    generator: Generator,
    network: FeatureNetwork,
    samples: Features,
    asked: NDArray[np.int64] | None,
    floor: Floor | None,
) -> tuple[ClassAgreement, ...]:
    """Return the agreement for each class of a conditional model, with that of real images.

    Args:
        generator: The generator of the samples.
        network: The feature network.
        samples: Features of the samples.
        asked: Class numbers requested for the samples, int64 [n].
        floor: Real images scored like samples. Their labels are used if the model knows them.

    Returns:
        One entry for each class, or none if the model has no classes or the network does not know all
        of them.
    """
    names = generator.class_names or tuple(map(str, generator.class_numbers))
    if asked is None or not set(names) <= set(network.class_names):
        return ()
    wanted = {number: names[place] for place, number in enumerate(generator.class_numbers)}
    reals, labels = None, None
    if floor is not None:
        labels = labels_for_model(floor.unseen.data, Classes.of(generator.card))
        reals = floor.unseen.features
    if labels is not None:
        labels = np.array(generator.class_numbers, np.int64)[labels]
    return agreements(network, wanted, samples, asked, reals, labels)


def agreements(
    network: FeatureNetwork,
    names: Mapping[int, str],
    samples: Features,
    asked: NDArray[np.int64],
    reals: Features | None,
    labels: NDArray[np.int64] | None,
) -> tuple[ClassAgreement, ...]:
    """Return how many images of each class the network's classifier assigns to that class.

    Args:
        network: A network that knows all of the classes by name.
        names: Names of the classes by number.
        samples: Features of generated images.
        asked: Their class numbers, int64 [n].
        reals: Features of real images, if there are any.
        labels: Class numbers of the real images, int64 [m]; None if they have none.
    """
    lines = []
    for number, name in names.items():
        wanted = network.class_names.index(name)
        mine = samples.logits.argmax(1)[asked == number]
        theirs = mine[:0] if labels is None or reals is None else reals.logits.argmax(1)[labels == number]
        counts = len(mine), int((mine == wanted).sum()), len(theirs), int((theirs == wanted).sum())
        lines.append(ClassAgreement(name, *counts))
    return tuple(lines)


def class_agreement(
    classes: Sequence[ClassAgreement], network: FeatureNetwork, *, seed: int
) -> ScoreCard | None:
    """Return the share of samples that look like the requested class; None if there are no classes.

    Args:
        classes: Result of `class_agreements`.
        network: The feature network.
        seed: Seed of the samples.
    """
    count = sum(line.samples for line in classes)
    if not count:
        return None
    share = sum(line.agreed for line in classes) / count
    return ScoreCard(
        name=score_name(METRIC, network.name),
        value=share,
        samples=count,
        reference="the classes asked for",
        features=network.name,
        fingerprint=network.fingerprint,
        mode="deployed",
        seed=seed,
        spread=math.sqrt(share * (1 - share) / count),
        spread_of="standard error",
    )
