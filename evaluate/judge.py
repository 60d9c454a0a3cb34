"""Everything that can be said of a set of samples without the networks behind them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.card import ScoreCard

from .aligned import AlignedPixels
from .appearance import ClassShare, class_shares, sharpness
from .copies import MOST_TRAINING, CopyTest, copy_test
from .features import Features
from .findings import Evidence
from .memorisation import SAMPLES, NeighbourTest, neighbour_test, pixel_vectors
from .scoring import Reference, score

DEPLOYED, REAL = "deployed", "real"


@dataclass(frozen=True)
class Judgement:
    """Scores and tests of samples against real images."""

    scores: tuple[ScoreCard, ...]
    """Scores of the samples, the Fréchet distance first."""
    held_out_scores: tuple[ScoreCard, ...]
    """Scores of held-out real images in place of samples, the best an honest model can reach."""
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
            self.scores, self.held_out_scores, self.classes, self.sharpness, self.copies, self.neighbours
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
            of training images, it is tested whether samples lean towards those.
        seed: Seed of the samples; random draws of the scores use it too.

    Raises:
        InputError: There are too few samples.
    """
    neighbours: tuple[NeighbourTest, ...] = ()
    held_out_scores: tuple[ScoreCard, ...] = ()
    if held_out is not None:
        held_out_scores = score(reference, _some(held_out.features, len(samples), seed), mode=REAL, seed=seed)
        if reference.split == "training":
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
    return Judgement(
        scores=score(reference, features, mode=DEPLOYED, seed=seed),
        held_out_scores=held_out_scores,
        copies=look_for_copies(samples, features, reference) if reference.split == "training" else (),
        classes=class_shares(reference.network, features, reference.features),
        sharpness=sharpness(samples, reference.data.images),
        neighbours=neighbours,
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
