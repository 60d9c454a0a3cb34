"""Training: data, networks, the loop, checkpoints and recipes. Needs the extra ``dropgan[train]``."""

from dropgan.callable_module import make_callable

from .data import DataError, DataOptions, ImageData, VectorData, load_data, load_images
from .distributed.ranks import ProcessError, together
from .monitor import TrainingError
from .objective.losses import LOSSES, Loss
from .recipes import (
    Recipe,
    RecipeError,
    change_recipe,
    load_recipe,
    recipe_layers,
    recipe_names,
    recipes_with_descriptions,
    show_recipe,
)
from .run.calls import resume, train
from .run.changes import ResumeError
from .run.checkpoint import CheckpointError
from .run.directory import RunDirectory, RunError
from .run.pretrained import PretrainedError
from .run.stop import Interrupted
from .run.trained import TrainedGenerator, TrainedNetworks, load_generator, load_networks

__all__ = [
    "LOSSES",
    "CheckpointError",
    "DataError",
    "DataOptions",
    "ImageData",
    "Interrupted",
    "Loss",
    "PretrainedError",
    "ProcessError",
    "Recipe",
    "RecipeError",
    "ResumeError",
    "RunDirectory",
    "RunError",
    "TrainedGenerator",
    "TrainedNetworks",
    "TrainingError",
    "VectorData",
    "change_recipe",
    "load_data",
    "load_generator",
    "load_images",
    "load_networks",
    "load_recipe",
    "recipe_layers",
    "recipe_names",
    "recipes_with_descriptions",
    "resume",
    "show_recipe",
    "together",
    "train",
]

make_callable(__name__)
