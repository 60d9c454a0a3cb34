"""The feature network of a run's discriminator: its origin, and the check that it stays the same."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

from dropgan.serve.reporter import Reporter

from ..data import ImageData, TrainingData
from ..distributed.ranks import current_ranks
from ..features.domain import load_domain, weights_fingerprint
from ..features.errors import FeatureError
from ..features.source import AUTO, feature_source
from ..networks.projected import ProjectedDiscriminator, ProjectedSettings
from ..recipes import Recipe
from ..steps.state import TrainingState
from .changes import ResumeError
from .checkpoint import Checkpoint
from .directory import RunDirectory
from .facts import FeatureFacts, RunFacts
from .inversion import begin_as_decoder
from .pretrained import Pretrained

_SEEN = 256  # real samples by which activations are scaled


def begin_features(
    state: TrainingState,
    recipe: Recipe,
    data: TrainingData,
    pretrained: Pretrained | None,
    fresh: list[str] | None,
    reporter: Reporter,
) -> FeatureFacts:
    """Load the feature network that the recipe names into the discriminator, before the first step.

    A discriminator that starts from an earlier run, with features chosen by the data, keeps that run's
    features, which its heads know. A generator without an earlier run may first learn to draw images from the
    features.

    Returns:
        The facts to record; empty for a discriminator without a feature network.

    Raises:
        FeatureError: It is not available or does not accept these images.
    """
    discriminator, settings = state.discriminator, recipe.discriminator
    if not isinstance(discriminator, ProjectedDiscriminator):
        return FeatureFacts()
    assert isinstance(data, ImageData)
    assert isinstance(settings, ProjectedSettings)
    name = settings.features
    taken = fresh is not None and not {"discriminator features", "discriminator mixing"} & set(fresh)
    if taken and name == AUTO and pretrained is not None and pretrained.features.name:
        return pretrained.features
    ranks = current_ranks()
    source = ranks.read(lambda: feature_source(name, data, reporter))
    ranks.require_same(source.fingerprint, "the feature network")
    try:
        discriminator.features.fill(source.weights)
    except ValueError as error:
        raise FeatureError(f"the features {name} cannot be loaded: {error}") from error
    rows = np.linspace(0, len(data.images) - 1, min(_SEEN, len(data.images))).astype(np.int64)
    device = discriminator.mixing.get_buffer("scale_0").device
    seen = torch.from_numpy(np.ascontiguousarray(data.images[rows])).to(device)
    discriminator.begin(seen.permute(0, 3, 1, 2).float().div(127.5).sub(1))
    reporter.say(f"the discriminator looks through {source.about}")
    if settings.decoder_steps and pretrained is None:
        begin_as_decoder(state, recipe, data, settings.decoder_steps, reporter)
    return FeatureFacts(name, source.fingerprint, source.about)


def require_same_features(run: RunDirectory, before: FeatureFacts, now: FeatureFacts) -> None:
    """Refuse to resume or repeat a run with a feature network that has changed.

    Raises:
        ResumeError: The feature network has changed.
    """
    if before.fingerprint != now.fingerprint:
        raise ResumeError(
            f"{run.path} began with the features {before.name or 'of no network'}, fingerprint"
            f" {before.fingerprint[:19]}, now {now.fingerprint[:19]}: give the same ones, or start a new run"
        )


def require_unchanged_features(run: RunDirectory, facts: RunFacts, checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint with other features, and a named file that has changed.

    The checkpoint contains the weights, so the file need not exist any more.

    Raises:
        ResumeError: The features differ.
    """
    known = FeatureFacts(**checkpoint.about.get("features", {}))
    require_same_features(run, facts.features, known)
    if not facts.features.name.endswith(".safetensors") or not Path(facts.features.name).is_file():
        return
    with suppress(FeatureError):  # what is no file of features any more is not used either
        now = weights_fingerprint(load_domain(Path(facts.features.name)))
        require_same_features(run, facts.features, FeatureFacts(facts.features.name, now))
