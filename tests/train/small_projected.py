"""A small recipe `projected`, small images, and a state that has its features."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dropgan.serve.reporter import SILENT
from dropgan.train import Recipe, change_recipe, load_recipe
from dropgan.train.data import ImageData
from dropgan.train.networks import SampleSpec
from dropgan.train.run.features import begin_features
from dropgan.train.steps.state import TrainingState

CPU = torch.device("cpu")
GREY = SampleSpec((1, 12, 12))
SMALL: dict[str, Any] = {
    "generator.latent_dim": 8,
    "generator.hidden": [6],
    "generator.dense": [8],
    "discriminator.hidden": [6, 5],
    "discriminator.projection": 4,
    "discriminator.decoder_steps": 0,
    "training.batch_size": 8,
}


def small(features: Path | str = "auto", **changes: Any) -> Recipe:
    return change_recipe(
        load_recipe("projected"), {**SMALL, "discriminator.features": str(features), **changes}
    )


def some_images(count: int = 24, side: int = 12, channels: int = 1) -> ImageData:
    random = np.random.default_rng(0)
    return ImageData(random.integers(0, 256, (count, side, side, channels), dtype=np.uint8), "noise")


def started(recipe: Recipe, data: ImageData, classes: int = 0) -> TrainingState:
    """Networks before the first step, with their features."""
    height, width, channels = data.shape
    state = TrainingState.fresh(recipe, SampleSpec((channels, height, width), classes), CPU)
    state.set_learning_rates(recipe)
    begin_features(state, recipe, data, None, None, SILENT)
    return state


def as_samples(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div(127.5).sub(1)
