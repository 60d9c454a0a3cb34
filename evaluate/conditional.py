"""Are the samples of a class-conditional model of the classes that were asked for?

The share of samples that a classifier of real images takes for the class asked for: the
"classification accuracy score" turned round, as Odena, Olah, Shlens, "Conditional image synthesis
with auxiliary classifier GANs", ICML 2017, section 4.1, measure discriminability.
"""

import math

import numpy as np
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.card import ScoreCard

from .features import FeatureNetwork, Features
from .scoring import score_name

METRIC = "class_agreement"


def asked_labels(generator: Generator, samples: int, *, seed: int) -> NDArray[np.int64] | None:
    """Numbers of the classes of samples for which none is chosen; None for a model without classes."""
    return generator.labels(samples, seed=seed) if generator.classes else None


def class_agreement(
    generator: Generator,
    network: FeatureNetwork,
    samples: Features,
    asked: NDArray[np.int64] | None,
    *,
    seed: int,
) -> ScoreCard | None:
    """The share of samples that look like the class asked for.

    Args:
        generator: Whose samples they are.
        network: The feature network.
        samples: Their features.
        asked: int64 [n], the numbers of the classes that they were made of.
        seed: Of the samples.

    Returns:
        The score, or None where the model has no classes or the network does not know all of them.
    """
    known = network.class_names
    names = generator.class_names or tuple(map(str, generator.class_numbers))
    if asked is None or not set(names) <= set(known):
        return None
    logit_of = {
        number: known.index(name) for number, name in zip(generator.class_numbers, names, strict=True)
    }
    right = samples.logits.argmax(1) == np.array([logit_of[number] for number in asked.tolist()])
    share = float(right.mean())
    return ScoreCard(
        name=score_name(METRIC, network.name),
        value=share,
        samples=len(right),
        reference="the classes asked for",
        features=network.name,
        fingerprint=network.fingerprint,
        mode="deployed",
        seed=seed,
        spread=math.sqrt(share * (1 - share) / len(right)),
        spread_of="standard error",
    )
