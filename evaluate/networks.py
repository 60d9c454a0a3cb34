"""Tests that need a run's networks and their gradients, which a model file does not have."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.card import ScoreCard
from dropgan.serve.classes import Classes
from dropgan.serve.reporter import Progress, Reporter
from dropgan.train import TrainedNetworks, load_networks
from dropgan.train.data import labels_for_model

from .attacks import ROUNDS, Attack, attack
from .discriminator import IMAGES, DiscriminatorGap, discriminator_gap, to_floats
from .recovery import IMAGES as RECOVERED
from .recovery import Recovered, compare_recovery
from .scoring import Reference, score
from .sensitivity import LATENTS, SensitivityPictures, generator_sensitivity
from .train_mode import has_dropout, train_mode_samples

_ATTACKED = 100


@dataclass(frozen=True)
class NetworkTests:
    """Tests of a run's networks. Tests that were not possible are None or empty, and ``left_out``
    says why.
    """

    train_mode_scores: tuple[ScoreCard, ...]
    """The Fréchet distance with dropout acting."""
    sensitivity: SensitivityPictures
    attacks: tuple[Attack, ...]
    discriminator: DiscriminatorGap | None
    recovered: Recovered | None
    originals: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None
    """The training and held-out images that were recovered."""
    left_out: dict[str, str]
    """Tests that were left out, and why."""


def check_networks(
    run: Path,
    generator: Generator,
    samples: NDArray[np.uint8],
    reference: Reference,
    held_out: Reference | None,
    *,
    seed: int,
    reporter: Reporter,
) -> NetworkTests:
    """Run every test that needs the networks.

    Args:
        run: The run directory.
        generator: The deployed file of the same run, for its latents.
        samples: Samples of the file with ``seed``, uint8 [n, h, w, c].
        reference: The real images that scores compare with.
        held_out: Images that the run never saw.
        seed: Seed of the latent stream and of every draw.
        reporter: Receives progress and messages.

    Raises:
        RunError: The directory holds no run.
        CheckpointError: It has no checkpoint, or a damaged one.
    """
    networks = _networks_of(run, generator.card.training.steps)
    stream = _drawn(generator, len(samples), seed)
    labels = _Labels.of(generator, stream, reference, held_out)
    left_out: dict[str, str] = {}
    draws = seed & 0x7FFFFFFF
    train_mode: tuple[ScoreCard, ...] = ()
    if has_dropout(networks.generator):
        reporter.say("scoring with dropout active")
        latents = generator.latents(len(samples), seed=seed)
        noisy = train_mode_samples(networks.generator, latents, stream, seed=draws)
        features = reference.network(noisy)
        train_mode = score(reference, features, mode="train", seed=seed, frechet_only=True)
    else:
        left_out["train-mode gap"] = "no dropout acts in the generator's training at this checkpoint"

    reporter.say("searching the generator's and the discriminator's weak directions")
    few = _drawn(generator, LATENTS, seed)
    bound = {} if few is None else {"labels": torch.from_numpy(few)}
    draw = functools.partial(networks.generator, **bound)
    sensitivity = generator_sensitivity(draw, generator.latents(LATENTS, seed=seed), seed=draws)
    chosen = _rows(len(reference.data.images), _ATTACKED)
    attacked = [(samples[:_ATTACKED], _some(stream, slice(_ATTACKED)), False)]
    if generator.classes and (labels is None or labels.reference is None):
        left_out["attacks on real images"] = "the data has no labels that the model knows"
    else:
        real = None if labels is None else labels.reference
        attacked.insert(0, (reference.data.images[chosen], _some(real, chosen), True))
    methods = ("fgsm", "pgd")
    rounds = _Rounds(reporter, ROUNDS * len(methods) * len(attacked))
    attacks = tuple(
        attack(
            networks.discriminator,
            to_floats(images),
            None if classes is None else torch.from_numpy(classes),
            real=is_real,
            method=method,
            after_round=rounds.one_more,
        )
        for method in methods
        for images, classes, is_real in attacked
    )
    rounds.finish()
    recovered, gap, originals = None, None, None
    if reference.split != "training":
        left_out["overfitting"] = "the data is not what the run was trained on"
    elif held_out is None:
        left_out["overfitting"] = "there are no held-out images: give some with --held-out"
    elif labels is not None and (labels.reference is None or labels.held_out is None):
        left_out["overfitting"] = "the data or the held-out images have no labels that the model knows"
    else:
        reporter.say("comparing training with held-out images")
        originals, recovered, gap = _overfitting(networks, samples, reference, held_out, labels, draws)
    return NetworkTests(train_mode, sensitivity, attacks, gap, recovered, originals, left_out)


class _Rounds:
    """Progress through the rounds of all attacks: behind frozen features they take a minute."""

    def __init__(self, reporter: Reporter, total: int) -> None:
        self._reporter, self._total, self._done = reporter, total, 0

    def one_more(self) -> None:
        self._show(self._done + 1)

    def finish(self) -> None:
        """Show all as done: an attack ends early when every verdict has flipped."""
        self._show(self._total)

    def _show(self, done: int) -> None:
        self._done = done
        self._reporter.progress(Progress("searching weak directions", done, self._total, "rounds"))


def _networks_of(run: Path, step: int) -> TrainedNetworks:
    """Return the networks from which a file was made: those of the run's best or last checkpoint."""
    networks = load_networks(run)
    return networks if networks.about["step"] == step else load_networks(run, "last")


def _overfitting(
    networks: TrainedNetworks,
    samples: NDArray[np.uint8],
    reference: Reference,
    held_out: Reference,
    labels: "_Labels | None",
    seed: int,
) -> tuple[tuple[NDArray[np.uint8], NDArray[np.uint8]], Recovered, DiscriminatorGap]:
    mine, other = reference.data.images, held_out.data.images
    rows = (_rows(len(mine), IMAGES), _rows(len(other), IMAGES))
    gap = discriminator_gap(
        networks.discriminator,
        mine[rows[0]],
        other[rows[1]],
        samples[:IMAGES],
        None if labels is None else [*labels.of_both(*rows), labels.samples[:IMAGES]],
    )
    rows = (_rows(len(mine), RECOVERED), _rows(len(other), RECOVERED))
    originals = (mine[rows[0]], other[rows[1]])
    dim = networks.recipe.generator.latent_dim
    classes = None if labels is None else labels.of_both(*rows)
    recovered = compare_recovery(networks.generator, *originals, dim, labels=classes, seed=seed)
    return originals, recovered, gap


@dataclass(frozen=True)
class _Labels:
    """The classes, by place, that a conditional model's networks receive; None if there are none."""

    samples: NDArray[np.int64]
    reference: NDArray[np.int64] | None
    held_out: NDArray[np.int64] | None

    @classmethod
    def of(
        cls,
        generator: Generator,
        stream: NDArray[np.int64] | None,
        reference: Reference,
        held_out: Reference | None,
    ) -> "_Labels | None":
        if stream is None:
            return None
        mine, other = (
            labels_for_model(images.data, Classes.of(generator.card)) if images else None
            for images in (reference, held_out)
        )
        return cls(stream, mine, other)

    def of_both(
        self, rows: NDArray[np.int64], held_out_rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        assert self.reference is not None
        assert self.held_out is not None
        return self.reference[rows], self.held_out[held_out_rows]


def _drawn(generator: Generator, count: int, seed: int) -> NDArray[np.int64] | None:
    """Return the places of the classes that `generator` draws by default."""
    classes = Classes.of(generator.card)
    return classes.draw(classes.choose(None, count), count, seed=seed, start=0)


def _some(labels: NDArray[np.int64] | None, rows: NDArray[np.int64] | slice) -> NDArray[np.int64] | None:
    return None if labels is None else labels[rows]


def _rows(available: int, wanted: int) -> NDArray[np.int64]:
    """Return rows spread evenly over a set that may be sorted by class."""
    return np.linspace(0, available - 1, min(available, wanted)).astype(np.int64)
