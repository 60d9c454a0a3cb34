"""All scores and tests of a set of samples that do not need the networks."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.card import ScoreCard
from dropgan.train.data import ImageData
from dropgan.train.features.kept import set_aside

from .aligned import AlignedPixels
from .appearance import class_shares, sharpness
from .copies import MOST_TRAINING, CopyTest, copy_test
from .features import Features
from .findings import ERROR_RATE, Evidence
from .floor import Floor, floor_of
from .looks import looks
from .manifold import K, Manifold, manifold_scores
from .memorisation import SAMPLES, NeighbourTest, neighbour_test, pixel_vectors
from .mixture import class_mixture
from .scoring import MOST_MANIFOLD, Reference, closeness_scores, evenly, score
from .surplus import surplus_test

DEPLOYED, REAL = "deployed", "real"


@dataclass(frozen=True)
class Judgement:
    """Scores and tests of samples against real images."""

    scores: tuple[ScoreCard, ...]
    """Scores of the samples, the Fréchet distance first."""
    floor: Floor | None
    """The real images that stand in the samples' place; None where there are too few."""
    held_out_scores: tuple[ScoreCard, ...]
    """Their scores, the best that an honest model can reach."""
    evidence: Evidence
    """The tests, which findings are made of."""
    sharpness: float
    """Mean difference of neighbouring pixels, divided by that of the real images."""


def judge_samples(
    samples: NDArray[np.uint8],
    features: Features,
    reference: Reference,
    held_out: Reference | None = None,
    *,
    seed: int = 0,
) -> Judgement:
    """Score samples of any origin.

    Args:
        samples: uint8 [n, h, w, c], n at least 10.
        features: Features of the samples in the reference's network.
        reference: The real images to compare with.
        held_out: Real images of the same kind that the model never saw. With them and a reference
            of training images, a test shows if samples are biased towards those. Without them, a part of
            the reference is scored like samples.
        seed: Seed of the samples; random draws of the scores use it too.

    Raises:
        InputError: There are too few samples.
    """
    floor = floor_of(reference, held_out)
    evidence = gather(samples, features, reference, held_out, seed=seed)
    mine, other = evidence.manifolds or (None, None)
    # the same comparison, if there are as many images in the floor as samples
    known = mine if floor and floor.held_out and len(floor) >= len(samples) else None
    scores = score(reference, features, mode=DEPLOYED, seed=seed, manifold=known)
    held_out_scores = () if floor is None else floor_scores(floor, len(samples), seed, other)
    if reference.split == "training":
        scores += closeness_scores(reference, features, held_out, mode=DEPLOYED, seed=seed)
        if floor is not None:
            held_out_scores += closeness_scores(
                floor.reals, floor.unseen.features, None, mode=REAL, seed=seed
            )
    return Judgement(
        scores=scores,
        floor=floor,
        held_out_scores=held_out_scores,
        evidence=evidence,
        sharpness=sharpness(samples, reference.data.images),
    )


def gather(
    samples: NDArray[np.uint8],
    features: Features,
    reference: Reference,
    held_out: Reference | None = None,
    *,
    seed: int = 0,
    copies: tuple[CopyTest, ...] | None = None,
) -> Evidence:
    """Make every test of samples that does not need the networks.

    Args:
        samples: As for `judge_samples`, like all other arguments except ``copies``.
        copies: The copy test, if it was made before. It does not depend on held-out images.
    """
    training = reference.split == "training"
    if copies is None:
        copies = look_for_copies(samples, features, reference) if training else ()
    floor = floor_of(reference, held_out)
    places = _places(reference)
    classes = class_shares(reference.network, features, reference.features, places)
    found = Evidence(
        samples=len(samples),
        reals=len(reference.features),
        classes=classes,
        mixture=class_mixture(reference.network, features, reference.features, places),
        unknown_classes=_has_classes(reference.data) and not classes,
        copies=copies,
        neighbours=_leaning(samples, features, reference, held_out) if held_out and training else (),
    )
    if floor is None:
        return found
    return replace(
        found,
        floor=str(floor),
        manifolds=_manifolds(features, floor, seed),
        surplus=surplus_test(
            features.vectors,
            floor.unseen.features.vectors,
            floor.reals.features.vectors,
            error_rate=ERROR_RATE,
            seed=seed & 0xFFFFFFFF,
        ),
        looks=looks(samples, floor.unseen.data.images, seed & 0xFFFFFFFF, error_rate=ERROR_RATE),
    )


def _has_classes(data: ImageData) -> bool:
    return data.labels is not None and len(np.unique(data.labels)) > 1


def _places(reference: Reference) -> NDArray[np.int64] | None:
    """Return the places of real images' classes in the network, for images that fitted features never saw,
    and -1 for the others; None if they are not known."""
    data, known = reference.data, reference.network.class_names
    if data.labels is None:
        return None
    places = np.full(len(data.labels), -1)
    aside = set_aside(len(places))
    aside = aside[data.labels[aside] >= 0]
    if data.class_names and set(data.class_names) <= set(known):
        named = np.array([known.index(name) for name in data.class_names])
        places[aside] = named[data.labels[aside]]
    elif reference.features.logits.shape[1] > data.labels.max():
        places[aside] = data.labels[aside]
    return places


def floor_scores(
    floor: Floor, count: int, seed: int, manifold: Manifold | None = None
) -> tuple[ScoreCard, ...]:
    """Return the scores of ``count`` images of the floor, or of all if there are fewer, scored
    like samples.
    """
    some = _some(floor.unseen.features, count, seed)
    return score(floor.reals, some, mode=REAL, seed=seed, manifold=manifold)


def _manifolds(features: Features, floor: Floor, seed: int) -> tuple[Manifold, Manifold] | None:
    """Return precision to coverage of samples, and of equally many images of the floor."""
    if len(floor.reals.features) <= K:
        return None
    vectors, within = floor.reals.manifold
    sides = _some(features, len(floor), seed), _some(floor.unseen.features, len(features), seed)
    mine, other = (
        manifold_scores(vectors, evenly(side.vectors, MOST_MANIFOLD), real_radii=within) for side in sides
    )
    return mine, other


def _leaning(
    samples: NDArray[np.uint8], features: Features, reference: Reference, held_out: Reference
) -> tuple[NeighbourTest, NeighbourTest]:
    """Test if samples are biased towards the training images, in features and in pixels."""
    return (
        neighbour_test(
            features.vectors,
            reference.features.vectors,
            held_out.features.vectors,
            space=f"{reference.network.name} features",
        ),
        neighbour_test(
            pixel_vectors(samples[:SAMPLES]),
            pixel_vectors(reference.data.images),
            pixel_vectors(held_out.data.images),
            space="pixels",
        ),
    )


def look_for_copies(
    samples: NDArray[np.uint8], features: Features, reference: Reference
) -> tuple[CopyTest, CopyTest]:
    """Test for copies, in features and in pixels.

    Args:
        samples: uint8 [n, h, w, c]; the first 1,000 are used.
        features: Features of the samples, in the reference's network.
        reference: The training images; at most 100,000 of them are drawn.
    """
    count = len(reference.data.images)
    rows = np.sort(np.random.default_rng(0).permutation(count)[:MOST_TRAINING])
    training = reference.data.images if len(rows) == count else reference.data.images[rows]
    aligned = AlignedPixels(training)
    return (
        copy_test(
            features.vectors,
            reference.features.vectors[rows],
            space=f"{reference.network.name} features",
            tests=2,
        ),
        copy_test(
            aligned.variants(samples[:SAMPLES]),
            aligned.points(training),
            space=aligned.name,
            tests=2,
            variants=lambda rows: aligned.variants(training[rows]),
        ),
    )


def _some(features: Features, count: int, seed: int) -> Features:
    """Draw as many as there are samples. A draw is needed because data may be sorted."""
    if count >= len(features):
        return features
    return features[np.sort(np.random.default_rng(seed).permutation(len(features))[:count])]
