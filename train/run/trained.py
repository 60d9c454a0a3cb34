"""Load what a run has saved."""

import warnings
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dropgan.serve.errors import InputError

from ..kinds import training_kind
from ..networks import SampleSpec
from ..recipes.settings import Recipe
from ..steps.dropout import ScaledDropout
from ..steps.state import TrainingState
from ..steps.timetable import Timetable
from .checkpoint import Checkpoint, CheckpointError, load_checkpoint
from .directory import RunDirectory

CHECKPOINTS = ("auto", "best", "last")


@dataclass(frozen=True)
class TrainedGenerator:
    """A generator loaded from a checkpoint.

    Attributes:
        module: The generator in eval mode, on the CPU, without gradients.
        spec: Spec of its samples.
        recipe: The recipe it was trained with.
        about: Facts from the checkpoint: step, data, versions.
        discriminator_dropout: The recipe's probability; with auto, that at the checkpoint.
    """

    module: nn.Module
    spec: SampleSpec
    recipe: Recipe
    about: dict[str, Any]
    discriminator_dropout: float


@dataclass(frozen=True)
class TrainedNetworks:
    """Both networks loaded from a checkpoint.

    Attributes:
        generator: The averaged generator, in eval mode, on the CPU, without gradients.
        discriminator: The discriminator in eval mode, on the CPU, without gradients.
        spec: Spec of the samples.
        recipe: The recipe they were trained with.
        about: Facts from the checkpoint: step, data, versions.
        discriminator_dropout: The recipe's probability; with auto, that at the checkpoint.
    """

    generator: nn.Module
    discriminator: nn.Module
    spec: SampleSpec
    recipe: Recipe
    about: dict[str, Any]
    discriminator_dropout: float


def load_networks(directory: str | PathLike[str], checkpoint: str = "auto") -> TrainedNetworks:
    """Load the averaged generator and the discriminator of a run.

    Args:
        directory: The run directory.
        checkpoint: ``last``, ``best`` (with the best score), or ``auto``: best if the run has scores,
            otherwise last.

    Raises:
        InputError: ``checkpoint`` has another value.
        RunError: The directory is not a run.
        CheckpointError: The checkpoint does not exist or is damaged.
    """
    run = RunDirectory(directory)
    recipe, facts = run.read_recipe()
    saved = load_checkpoint(_checkpoint_file(run, checkpoint))
    kind = training_kind(saved.about["data"]["kind"])
    data = saved.about["data"]
    spec = kind.spec(data["shape"], saved.about["classes"], data)
    state = TrainingState.fresh(recipe, spec, torch.device("cpu"), trains=False)
    state.restore_shipped(saved)
    if facts.time.spans:
        state.timetable = Timetable(facts.time.spans)
    ScaledDropout(state.ema.module).scale(state.generator_dropout_share(recipe))
    discriminator = state.discriminator.requires_grad_(False).eval()
    most = recipe.discriminator.most_dropout
    probability = most if state.steering is None else state.steering.probability
    return TrainedNetworks(state.ema.module, discriminator, spec, recipe, saved.about, probability)


def load_generator(directory: str | PathLike[str], checkpoint: str = "auto") -> TrainedGenerator:
    """Load the averaged generator of a run. Arguments and errors are those of `load_networks`."""
    networks = load_networks(directory, checkpoint)
    return TrainedGenerator(
        networks.generator, networks.spec, networks.recipe, networks.about, networks.discriminator_dropout
    )


def _checkpoint_file(run: RunDirectory, checkpoint: str) -> Path:
    if checkpoint not in CHECKPOINTS:
        raise InputError(f"checkpoint must be one of {', '.join(CHECKPOINTS)}, not {checkpoint!r}")
    if checkpoint == "best" and not run.best_checkpoint.exists():
        raise CheckpointError(
            f"{run.path} has no best checkpoint, because nothing was scored in training: use"
            " --checkpoint last"
        )
    if checkpoint == "last" or not run.best_checkpoint.exists():
        return run.last_checkpoint
    return run.best_checkpoint


def resumable_checkpoint(run: RunDirectory) -> Checkpoint | None:
    """Return the last checkpoint, or the one before if it is damaged, or None if the run has none yet.

    Raises:
        CheckpointError: All existing checkpoints are damaged.
    """
    if not run.last_checkpoint.exists() and not run.previous_checkpoint.exists():
        return None
    try:
        return load_checkpoint(run.last_checkpoint)
    except CheckpointError as error:
        try:
            checkpoint = load_checkpoint(run.previous_checkpoint)
        except CheckpointError:
            raise error from None
        if not run.last_checkpoint.exists():
            return checkpoint
        step = checkpoint.about["step"]
        warnings.warn(f"{error}; continuing from the one before it, step {step}", stacklevel=3)
        return checkpoint
