"""Everything that can be said of a set of samples without the networks behind them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.card import ScoreCard

from .aligned import AlignedPixels
from .appearance import ClassShare, class_shares, sharpness
from .copies import MOST_TRAINING, CopyTest, copy_test
from .features import Features
from .findings import ERROR_RATE, Evidence
from .floor import Floor, floor_of
from .looks import Look, looks
from .manifold import K, Manifold, manifold_scores
from .memorisation import SAMPLES, NeighbourTest, neighbour_test, pixel_vectors
from .scoring import MOST_MANIFOLD, Reference, evenly, score
from .surplus import SurplusTest, surplus_test

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
    fair: Manifold | None
    """Precision to coverage of as many samples as there are images in the floor, against the same images."""
    surplus: SurplusTest | None
    """How much further samples are from the data than the floor."""
    looks: tuple[Look, ...]
    """Properties of the pixels beside the floor's."""
    classes: tuple[ClassShare, ...]
    """How often each class occurs, if the feature network knows classes."""
    sharpness: float
    """Mean difference of neighbouring pixels, divided by that of the real images."""
    copies: tuple[CopyTest, ...]
    """The test for copies, in features and in pixels; empty if the reference is not training images."""
    neighbours: tuple[NeighbourTest, ...]
    """Whether samples lean towards the training images; empty without training or held-out images."""

    def evidence(self) -> Evidence:
        """The numbers that findings are made from."""
        return Evidence(
            self.scores,
            self.held_out_scores,
            self.classes,
            self.copies,
            self.neighbours,
            floor=str(self.floor) if self.floor else "",
            fair=self.fair,
            surplus=self.surplus,
            looks=self.looks,
        )


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
        features: Their features in the reference's network.
        reference: The real images to compare with.
        held_out: Real images of the same kind that the model never saw. With them and a reference
            of training images, it is tested whether samples lean towards those. Without, a part of the
            reference stands in the samples' place.
        seed: Seed of the samples; random draws of the scores use it too.

    Raises:
        InputError: There are too few samples.
    """
    neighbours: tuple[NeighbourTest, ...] = ()
    if held_out is not None and reference.split == "training":
        neighbours = (
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
    scores = score(reference, features, mode=DEPLOYED, seed=seed)
    floor = floor_of(reference, held_out)
    beside = None if floor is None else _beside(features, floor, seed)
    return Judgement(
        scores=scores,
        floor=floor,
        held_out_scores=() if floor is None else floor_scores(floor, len(samples), seed),
        fair=beside[0] if beside else None,
        surplus=beside[1] if beside else None,
        looks=() if floor is None else looks(samples, floor.unseen.data.images, seed & 0xFFFFFFFF),
        copies=look_for_copies(samples, features, reference) if reference.split == "training" else (),
        classes=class_shares(reference.network, features, reference.features),
        sharpness=sharpness(samples, reference.data.images),
        neighbours=neighbours,
    )


def floor_scores(floor: Floor, count: int, seed: int) -> tuple[ScoreCard, ...]:
    """What ``count`` images of the floor score in the samples' place, or all where there are fewer."""
    return score(floor.reals, _some(floor.unseen.features, count, seed), mode=REAL, seed=seed)


def _beside(features: Features, floor: Floor, seed: int) -> tuple[Manifold | None, SurplusTest]:
    """Samples beside as many images of the floor."""
    some, reals = _some(features, len(floor), seed), floor.reals
    fair = None
    if len(reals.features) > K:
        vectors, within = reals.manifold
        fair = manifold_scores(vectors, evenly(some.vectors, MOST_MANIFOLD), real_radii=within)
    draws = seed & 0xFFFFFFFF
    unseen = floor.unseen.features.vectors
    return fair, surplus_test(
        features.vectors, unseen, reals.features.vectors, error_rate=ERROR_RATE, seed=draws
    )


def look_for_copies(
    samples: NDArray[np.uint8], features: Features, reference: Reference
) -> tuple[CopyTest, CopyTest]:
    """The test for copies, in features and in pixels.

    Args:
        samples: uint8 [n, h, w, c]; the first 1,000 are looked at.
        features: Theirs, in the reference's network.
        reference: The training images; of more than 100,000, so many are drawn.
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
    """As many as there are samples, drawn: data may be sorted."""
    if count >= len(features):
        return features
    return features[np.sort(np.random.default_rng(seed).permutation(len(features))[:count])]
