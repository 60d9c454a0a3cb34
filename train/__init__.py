"""Training: data, networks, the loop, checkpoints and recipes. Needs the extra ``dropgan[train]``."""

from .changes import ResumeError
from .checkpoint import CheckpointError
from .data import DataError, DataOptions, ImageData, VectorData, Watcher, load_data, load_images
from .monitor import TrainingError
from .pretrained import PretrainedError
from .ranks import ProcessError, together
from .recipe import Recipe, RecipeError, load_recipe, recipe_layers, recipe_names
from .recipe_show import recipes_with_descriptions, show_recipe
from .run_directory import RunDirectory, RunError
from .start import continue_or_train, resume, train
from .stop import Interrupted
from .trained import TrainedGenerator, TrainedNetworks, load_generator, load_networks

__all__ = [
    "CheckpointError",
    "DataError",
    "DataOptions",
    "ImageData",
    "Interrupted",
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
    "Watcher",
    "continue_or_train",
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
