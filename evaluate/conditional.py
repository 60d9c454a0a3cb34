"""Are the samples of a class-conditional model of the classes that were asked for?

The share of samples that a classifier of real images takes for the class asked for: the
"classification accuracy score" turned round, as Odena, Olah, Shlens, "Conditional image synthesis
with auxiliary classifier GANs", ICML 2017, section 4.1, measure discriminability.
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
    """Numbers of the classes of samples for which none is chosen; None for a model without classes."""
    return generator.labels(samples, seed=seed) if generator.classes else None


@dataclass(frozen=True)
class ClassAgreement:
    """How many images of one class the feature network's classifier takes for it."""

    name: str
    """The class that was asked for."""
    samples: int
    """Generated samples of it."""
    agreed: int
    """How many of those look like it."""
    reals: int
    """Real images of it, set aside or held out; 0 where none has a label."""
    real_agreed: int
    """How many of those look like it."""


def class_agreements(
    generator: Generator,
    network: FeatureNetwork,
    samples: Features,
    asked: NDArray[np.int64] | None,
    floor: Floor | None,
) -> tuple[ClassAgreement, ...]:
    """Each class of a conditional model beside real images of it.

    Args:
        generator: Whose samples they are.
        network: The feature network.
        samples: Their features.
        asked: int64 [n], the numbers of the classes that they were made of.
        floor: Real images in the samples' place; their labels count where the model knows them.

    Returns:
        A line a class, or none where the model has no classes or the network does not know all of them.
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
    """How many images of each class its classifier takes for that class.

    Args:
        network: Knows all of the classes by name.
        names: Of the classes, by their numbers.
        samples: Features of generated images.
        asked: int64 [n], the numbers of their classes.
        reals: Features of real images, if there are any.
        labels: int64 [m], the numbers of theirs; None if they have none.
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
    """The share of samples that look like the class asked for; None where there are no classes.

    Args:
        classes: What `class_agreements` gives.
        network: The feature network.
        seed: Of the samples.
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
