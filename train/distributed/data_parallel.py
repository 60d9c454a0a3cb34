"""Prepare a state for training by several processes."""

import inspect
import json
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ..networks.batch_norm import has_batch_norm
from ..networks.freezing import train_above
from ..recipes.settings import Recipe
from ..run.checkpoint import Checkpoint
from ..settings import RecipeError
from ..steps.state import Passes, TrainingState
from .ranks import Ranks


def train_in_parallel(state: TrainingState, recipe: Recipe, device: torch.device, ranks: Ranks) -> None:
    """Copy the leader's state to every process, and average gradients over the processes.

    Each process computes its rows of one batch. Losses are means over rows, so the average of the gradients
    is the gradient of the whole batch. A single process is left unchanged.

    Args:
        state: The state before the first step, or restored.
        recipe: The recipe of the run.
        device: Device of this process.
        ranks: The processes.

    Raises:
        InputError: The batch cannot be split into equal parts.
        RecipeError: The networks have batch norm, and the processes run on CPUs.
    """
    if ranks.count == 1:
        return
    ranks.require_even(recipe.training.batch_size)
    if has_batch_norm(state.generator) or has_batch_norm(state.discriminator):
        if device.type != "cuda":
            raise RecipeError(
                "batch norm needs statistics over all processes, which PyTorch supports on CUDA only:"
                " train in one process, or without batch norm"
            )
        # in place: weights and statistics stay the same tensors, which optimisers and average hold
        nn.SyncBatchNorm.convert_sync_batchnorm(state.generator)
        nn.SyncBatchNorm.convert_sync_batchnorm(state.discriminator)
    state.ranks = ranks
    follow_leader(state)
    train_above(state.discriminator, recipe.discriminator.frozen_layers)
    state.passes = Passes(_averaging(state.generator, device), _averaging(state.discriminator, device))


def follow_leader(state: TrainingState) -> None:
    """Copy the leader's state to every process, including the optimisers."""
    own, ranks = state.to_checkpoint({}), state.ranks
    about = json.loads(ranks.share(lambda: json.dumps(own.about).encode()))
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in own.tensors.items()}
    tensors = load(ranks.share(lambda: save(contiguous)))
    if not ranks.leader:
        state.restore(Checkpoint(tensors, about))


def _averaging(network: nn.Module, device: torch.device) -> DistributedDataParallel:
    # Buffers follow from weights that are equal everywhere, so they need not be sent.
    known = inspect.signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"  # before 2.13
    sync: dict[str, Any] = {name: False}
    ids = [device.index or 0] if device.type == "cuda" else None
    return DistributedDataParallel(network, device_ids=ids, **sync)
