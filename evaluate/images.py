"""Evaluate a model of images, sampled through the light runtime in deployed mode."""

import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dropgan.serve import Generator
from dropgan.serve.card import Card, ScoreCard
from dropgan.serve.errors import InputError
from dropgan.serve.reporter import LOGGED, Reporter
from dropgan.train import RunDirectory
from dropgan.train.data import ImageData
from dropgan.train.features.errors import FeatureError

from .appearance import ClassShare
from .attacks import Attack
from .conditional import ClassAgreement, asked_labels, class_agreement, class_agreements
from .copies import CopyTest
from .discriminator import DiscriminatorGap
from .features import FeatureNetwork, Features
from .finding import Finding, verdict
from .findings import find
from .fitted import features_for
from .judge import judge_samples
from .looks import Look
from .memorisation import NeighbourTest
from .networks import NetworkTests, check_networks
from .recovery import Recovery
from .scoring import Reference
from .sensitivity import Sensitivity
from .surplus import SurplusTest
from .threads import one_thread

DEFAULT_SAMPLES = 10_000
DEFAULT_SEED = 1


@dataclass(frozen=True)
class Material:
    """The material for the report's pictures."""

    generator: Generator
    samples: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    """Labels of the samples, in a class-conditional model."""
    features: Features
    reference: Reference
    held_out: Reference | None
    networks: NetworkTests | None
    metrics: list[dict[str, Any]]
    """The lines of the run's metrics.jsonl; empty for a file alone."""


@dataclass(frozen=True)
class Evaluation:
    """Result of an evaluation. ``as_json`` returns it without the pictures."""

    better: ClassVar[str] = "lower"
    """Which values of the first score are better: ``lower`` or ``higher``."""

    model: str
    """Name of the file or run."""
    card: Card
    """The card of the file."""
    features: str
    """Whose features the scores are in."""
    trained_through: str
    """Whose features the discriminator looked through in training, which are others; empty where it saw
    samples."""
    samples: int
    """Generated samples."""
    seed: int
    """Seed of the samples."""
    verdict: str
    """One line: what is wrong, or ``no problem found``, and whether the images were too few to tell."""
    findings: tuple[Finding, ...]
    """Findings in sentences, problems first."""
    scores: tuple[ScoreCard, ...]
    """Scores of the deployed file, the Fréchet distance first. For a class-conditional model they include the
    share of samples that the feature network assigns to the requested class, if it knows these classes."""
    floor: str
    """The real images that stand in the samples' place, in words; empty where there are too few."""
    held_out_scores: tuple[ScoreCard, ...]
    """Their scores: of held-out images or, without, of real images that were set aside."""
    train_mode_scores: tuple[ScoreCard, ...]
    """Scores of the same latents with dropout active."""
    surplus: SurplusTest | None
    """The distance of samples from the data beyond that of real images."""
    looks: tuple[Look, ...]
    """Properties of the pixels, beside real images."""
    classes: tuple[ClassShare, ...]
    """The frequency of each class."""
    agreements: tuple[ClassAgreement, ...]
    """Number of samples of each class that look like it, compared with real images; empty without classes."""
    sharpness: float
    """Mean difference of neighbouring pixels, divided by that of the real images."""
    copies: tuple[CopyTest, ...]
    """The test for copies of training images; empty if the data is not what the model was trained on."""
    neighbours: tuple[NeighbourTest, ...]
    """Tests for a bias towards the training images; empty without held-out images."""
    recovery: Recovery | None
    """Latent recovery of training against held-out images."""
    discriminator: DiscriminatorGap | None
    """The discriminator's gap."""
    sensitivity: Sensitivity | None
    """The generator's local sensitivity."""
    attacks: tuple[Attack, ...]
    """FGSM and PGD on the discriminator."""
    left_out: dict[str, str]
    """Measurements that were left out, and why."""
    seconds: float
    """Duration in seconds."""
    material: Material = field(repr=False, compare=False)
    """Pictures for the report."""

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for ``--json``."""
        return {
            entry.name: _plain(getattr(self, entry.name))
            for entry in dataclasses.fields(self)
            if entry.name != "material"
        }


def evaluate_images(
    generator: Generator,
    data: ImageData,
    *,
    samples: int = DEFAULT_SAMPLES,
    seed: int = DEFAULT_SEED,
    features: FeatureNetwork | None = None,
    held_out: ImageData | None = None,
    run: Path | None = None,
    name: str = "",
    reporter: Reporter = LOGGED,
) -> Evaluation:
    """Evaluate an exported generator against real images.

    Args:
        generator: A generator opened from a model file.
        data: The real images to compare with, usually those the model was trained on.
        samples: Number of generated samples; fewer bias the Fréchet distance upwards.
        seed: Seed of the samples. Use another than the run's, whose first samples its grids show.
        features: The feature network; None uses the one for such data
            (`features_for`).
        held_out: Images of the same kind that the model never saw. Without them, overfitting cannot be
            detected, and a part of ``data`` is scored like samples.
        run: The run directory of this model, for tests that need gradients.
        name: Name of the model.
        reporter: Receives progress and messages.

    Raises:
        FeatureError: The feature network is not for images of this shape.
        InputError: There are too few samples or images, they do not fit each other, or the file
            does not output pixels.
        RunError: ``run`` is not a run.
        CheckpointError: The run has no checkpoint, or a damaged one.
    """
    started = time.monotonic()
    _require_fit(generator, data, held_out)
    card = generator.card
    network = features or features_for(data, seen=card.training.features.fingerprint, reporter=reporter)
    _require_unseen(network, card)
    split = "training" if data.fingerprint == card.data.fingerprint else "other"
    left_out: dict[str, str] = {}
    if held_out is not None and held_out.fingerprint == card.data.fingerprint:
        raise InputError(f"{held_out.name} is the model's training data: choose other images to hold out")
    if split == "other":
        left_out["copies"] = "the data is not what the model was trained on (other fingerprint)"
    if held_out is None:
        left_out["held-out images"] = "there are none, which show whether samples lean on training images"

    reporter.say(f"computing features of {len(data.images):,} real images of {data.name}")
    reference = Reference.of(data, network, split=split, reporter=reporter)
    unseen = (
        None if held_out is None else Reference.of(held_out, network, split="held-out", reporter=reporter)
    )
    reporter.say(f"making {samples:,} samples and computing their features")
    images = generator.sample(samples, seed=seed)
    seen = network(images, reporter)
    asked = asked_labels(generator, samples, seed=seed)
    reporter.say("scoring")
    tests = None
    with one_thread():
        judged = judge_samples(images, seen, reference, unseen, seed=seed)
        agreements = class_agreements(generator, network, seen, asked, judged.floor)
        if run is not None:
            tests = check_networks(run, generator, images, reference, unseen, seed=seed, reporter=reporter)
    agreement = class_agreement(agreements, network, seed=seed)
    if generator.classes and agreement is None:
        left_out["class agreement"] = "the feature network does not know the model's classes by name"
    if tests is not None:
        left_out |= tests.left_out
    else:
        left_out["networks"] = "a model file has no gradients and no discriminator: give the run directory"
    recovery = tests.recovered.recovery if tests and tests.recovered else None
    gap = tests.discriminator if tests else None
    findings = find(
        dataclasses.replace(
            judged.evidence,
            recovery=recovery,
            discriminator=gap,
            agreements=agreements,
        )
    )
    return Evaluation(
        model=name or "model",
        card=card,
        features=network.about or network.name,
        trained_through=card.training.features.about,
        samples=samples,
        seed=seed,
        verdict=verdict(findings),
        findings=findings,
        scores=judged.scores + ((agreement,) if agreement else ()),
        floor=str(judged.floor) if judged.floor else "",
        held_out_scores=judged.held_out_scores,
        train_mode_scores=tests.train_mode_scores if tests else (),
        surplus=judged.evidence.surplus,
        looks=tuple(judged.evidence.looks),
        classes=tuple(judged.evidence.classes),
        agreements=agreements,
        sharpness=judged.sharpness,
        copies=tuple(judged.evidence.copies),
        neighbours=tuple(judged.evidence.neighbours),
        recovery=recovery,
        discriminator=gap,
        sensitivity=tests.sensitivity.sensitivity if tests else None,
        attacks=tests.attacks if tests else (),
        left_out=left_out,
        seconds=time.monotonic() - started,
        material=Material(
            generator,
            images,
            asked,
            seen,
            reference,
            unseen,
            tests,
            RunDirectory(run).read_metrics() if run else [],
        ),
    )


def _require_unseen(network: FeatureNetwork, card: Card) -> None:
    if network.fingerprint == card.training.features.fingerprint:
        raise FeatureError(
            f"the discriminator of this model looked through these features ({card.training.features.about}),"
            " and scores in them would flatter: leave out --features, or name others"
        )


def require_pixels(generator: Generator) -> None:
    """Refuse a file that does not output pixels.

    Raises:
        InputError: The file has another output.
    """
    if generator.card.export.output != "pixels":
        raise InputError("scores need pixels: export the model with --output pixels")


def _require_fit(generator: Generator, data: ImageData, held_out: ImageData | None) -> None:
    require_pixels(generator)
    for images in (data, held_out):
        if images is not None and generator.sample_shape != images.images.shape[1:]:
            raise InputError(
                f"the model makes images of shape {list(generator.sample_shape)},"
                f" {images.name} has {list(images.images.shape[1:])}"
            )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value
