"""Score one set of samples against one set of real images."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.card import ScoreCard
from dropgan.serve.errors import InputError
from dropgan.serve.reporter import SILENT, Reporter
from dropgan.train.data import ImageData

from .closeness import AUTHENTICITY, C_T, closeness
from .distances import (
    IS_SPLITS,
    KID_SUBSET_SIZE,
    KID_SUBSETS,
    bootstrap_draws,
    frechet_distance,
    inception_score,
    kernel_distance,
)
from .features import INCEPTION, FeatureNetwork, Features
from .manifold import K, Manifold, manifold_scores
from .neighbours import radii
from .reference import reference_features

MIN_SAMPLES = 2 * K
"""Samples that are scored, and real images that stand in their place."""
MOST_MANIFOLD = 10_000  # the number that both papers take; the cost grows with its square


@dataclass(frozen=True)
class Reference:
    """Real images to compare with, whose features are computed once."""

    data: ImageData
    network: FeatureNetwork
    features: Features
    split: str
    """Role of the images for the model: ``training``, ``held-out`` or ``other``."""

    @classmethod
    def of(
        cls, data: ImageData, network: FeatureNetwork, *, split: str, reporter: Reporter = SILENT
    ) -> "Reference":
        """Compute features of real images, or load them from the cache.

        Raises:
            FeatureError: The network is not for images of this shape.
        """
        return cls(data, network, reference_features(network, data, reporter), split)

    @cached_property
    def manifold(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Features of up to 10,000 images, evenly spread over the set, and the radii of their balls."""
        vectors = evenly(self.features.vectors, MOST_MANIFOLD)
        return vectors, radii(vectors, K)

    def __str__(self) -> str:
        return f"{len(self.data.images):,} of {self.data.name}"


def score_name(metric: str, features: str) -> str:
    """Return the name of a score with its features. Only Inception's Fréchet distance is called FID."""
    known = {"frechet_distance": "fid", "kid": "kid", "inception_score": "inception_score"}
    return known[metric] if features == INCEPTION and metric in known else f"{metric}_{features}"


def score(
    reference: Reference,
    samples: Features,
    *,
    mode: str,
    seed: int,
    frechet_only: bool = False,
    manifold: Manifold | None = None,
) -> tuple[ScoreCard, ...]:
    """Score samples against real images.

    Args:
        reference: The real images.
        samples: Features of the samples, in the same network.
        mode: ``deployed``, ``train`` or ``real``.
        seed: Seed of the samples, and of the scores' own draws.
        frechet_only: Compute only the Fréchet distance.
        manifold: Precision to coverage, if already computed; None computes them.

    Returns:
        The Fréchet distance first. The Inception Score only if the network knows classes, and precision
        to coverage only for at least six real images.

    Raises:
        InputError: There are fewer than 10 samples.
    """
    if len(samples) < MIN_SAMPLES:
        raise InputError(f"scores need at least {MIN_SAMPLES} samples, not {len(samples)}")
    network, reals = reference.network, reference.features
    draws = seed & 0xFFFFFFFF

    def card(metric: str, value: tuple[float, float], spread_of: str, generated: int, real: int) -> ScoreCard:
        return _card(reference, metric, value, spread_of, generated, real, mode=mode, seed=seed)

    counts = (len(samples), len(reals))
    distance = frechet_distance(reals.vectors, samples.vectors, seed=draws)
    bootstrap = f"{bootstrap_draws(samples.vectors.shape[1])} bootstrap draws"
    scores = [card("frechet_distance", distance, bootstrap, *counts)]
    if frechet_only:
        return tuple(scores)
    kernel = kernel_distance(reals.vectors, samples.vectors, seed=draws)
    subset = min(KID_SUBSET_SIZE, *counts)
    scores.append(card("kid", kernel, f"{KID_SUBSETS} subsets of {subset:,}", *counts))
    if network.knows_classes:
        value = inception_score(samples.logits, seed=draws)
        scores.append(card("inception_score", value, f"{IS_SPLITS} splits", len(samples), 0))
    if len(reals) <= K:
        return tuple(scores)
    vectors, within = reference.manifold
    generated = evenly(samples.vectors, MOST_MANIFOLD)
    found = manifold or manifold_scores(vectors, generated, real_radii=within)
    for metric in ("precision", "recall", "density", "coverage"):
        value = getattr(found, metric)
        scores.append(card(metric, value, "standard error", len(generated), len(vectors)))
    return tuple(scores)


def closeness_scores(
    training: Reference, samples: Features, held_out: Reference | None, *, mode: str, seed: int
) -> tuple[ScoreCard, ...]:
    """Return authenticity and, with held-out images, C_T; nothing for fewer than two training images.

    Args:
        training: The training images.
        samples: Features of the samples, in the same network.
        held_out: Images that the model never saw, if there are any.
        mode: As for `score`.
        seed: As for `score`.
    """
    if len(training.features) < 2:
        return ()
    unseen = None if held_out is None else held_out.features.vectors
    found = closeness(samples.vectors, training.features.vectors, unseen, seed=seed & 0xFFFFFFFF)
    named = [(AUTHENTICITY, found.authenticity, "standard error")]
    if found.c_t is not None:
        named.append((C_T, found.c_t, "its deviation by chance"))
    return tuple(
        _card(training, name, value, spread_of, found.samples, found.training, mode=mode, seed=seed)
        for name, value, spread_of in named
    )


def _card(
    reference: Reference,
    metric: str,
    value: tuple[float, float],
    spread_of: str,
    generated: int,
    real: int,
    *,
    mode: str,
    seed: int,
) -> ScoreCard:
    return ScoreCard(
        name=score_name(metric, reference.network.name),
        value=value[0],
        samples=generated,
        reference=str(reference) if real else "no real images",
        reference_samples=real,
        features=reference.network.name,
        fingerprint=reference.network.fingerprint,
        split=reference.split if real else "",
        mode=mode,
        seed=seed,
        spread=value[1],
        spread_of=spread_of,
    )


def evenly(vectors: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Return at most ``most`` rows, evenly spread."""
    if len(vectors) <= most:
        return vectors
    return vectors[np.linspace(0, len(vectors) - 1, most).astype(np.int64)]
