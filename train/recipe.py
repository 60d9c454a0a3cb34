"""Recipes: every setting of a training run, checked before anything starts."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..serve.errors import DropganError
from .refusals import refused

Probability = Annotated[float, Field(ge=0, lt=1)]
Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1)]
LearningRate = Annotated[float, Field(gt=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]

DEFAULT_RECIPE = "mlp"


class RecipeError(DropganError):
    """A recipe that cannot be read or holds an impossible setting."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _NetworkSettings(_Settings):
    """What both networks may have."""

    dropout: Probability
    """Probability of dropping a unit after each hidden layer, in training only."""
    dropout_kind: Literal["element", "channel"] = "element"
    """What is dropped at once: single units, or whole channels of a convolution."""
    dropout_layers: Literal["all", "last"] = "all"
    """Behind which hidden layers units are dropped; with batch norm behind the last one only."""
    normalisation: Literal["none", "batch"] = "none"
    """Between a hidden layer and its activation."""
    spectral_norm: bool = False
    """Whether every weight is divided by its largest singular value."""
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    """How much of itself a weight loses in a step, times the learning rate; not biases and gains."""


class GeneratorSettings(_NetworkSettings):
    latent_dim: Annotated[int, Field(ge=1, le=4096)]
    """Components of a latent."""
    label_dim: Annotated[int, Field(ge=1, le=4096)] = 32
    """Components of a label's embedding; only in a class-conditional model."""
    hidden: Widths
    """Width of each hidden layer."""
    activation: Literal["relu", "leaky_relu"]
    """After each hidden layer; leaky_relu has slope 0.2."""
    learning_rate: LearningRate
    """Adam's."""


class DiscriminatorSettings(_NetworkSettings):
    hidden: Widths
    """Width of each hidden layer."""
    activation: Literal["relu", "leaky_relu"]
    """After each hidden layer; leaky_relu has slope 0.2."""
    texture_weight: Annotated[float, Field(ge=0)]
    """Weight of the local roughness that the first layer sees beside the pixels; 0 leaves it out."""
    learning_rate: LearningRate
    """Adam's; corrected for the penalty interval where there is one."""


class PenaltySettings(_Settings):
    r1_weight: Annotated[float, Field(ge=0)]
    """Weight of the R1 gradient penalty, at real samples; 0 leaves it out."""
    r1_interval: Annotated[int, Field(ge=1)]
    """Steps from one R1 penalty to the next; the weight is multiplied by it."""
    wgan_gp_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of WGAN-GP's gradient penalty, between real and generated samples; 0 leaves it out."""


class TrainingSettings(_Settings):
    steps: Annotated[int, Field(ge=1)]
    """Generator updates in all."""
    batch_size: Annotated[int, Field(ge=2, le=65536)]
    """Real images a step, and as many generated ones."""
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    """Of weights, data order, latents and dropout masks."""
    beta1: Beta
    """Adam's decay of the mean gradient."""
    beta2: Beta
    """Adam's decay of the mean squared gradient."""
    ema_decay: Beta
    """Of the averaged generator, which is the one exported; 0 exports the last weights."""
    loss: Literal["non-saturating", "minimax", "hinge", "wasserstein"] = "non-saturating"
    """What the two networks minimise."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """How far below 1 the discriminator's target for real samples is."""
    discriminator_steps: Annotated[int, Field(ge=1, le=1000)] = 1
    """Discriminator updates for each one of the generator, each on samples of its own."""
    augmentation: tuple[Literal["colour", "translation", "cutout"], ...] = ()
    """Random changes to every image that the discriminator sees, real or generated; for little data."""
    schedule: Literal["constant", "linear"]
    """Learning rates stay, or fall linearly to 0 at the last step."""


class OutputSettings(_Settings):
    log_interval: Annotated[int, Field(ge=1)] = 50
    """Steps between lines of metrics.jsonl."""
    sample_interval: Annotated[int, Field(ge=1)] = 1000
    """Steps between sample grids."""
    checkpoint_interval: Annotated[int, Field(ge=1)] = 1000
    """Steps between checkpoints."""


class Recipe(_Settings):
    """All settings of a run; see train/recipes for those that come with dropgan."""

    name: str
    architecture: Literal["mlp", "conv", "resnet"]
    conditional: bool = False
    """Whether samples are made of a label too; the data must have labels."""
    generator: GeneratorSettings
    discriminator: DiscriminatorSettings
    penalty: PenaltySettings
    training: TrainingSettings
    output: OutputSettings = OutputSettings()

    def with_settings(self, changes: dict[str, Any]) -> "Recipe":
        """A copy with some settings changed.

        Args:
            changes: Dotted key (``generator.dropout``) to value; a string is read as the TOML value
                it spells, or as itself if it spells none.

        Raises:
            RecipeError: A key does not exist or a value is impossible.
        """
        document = self.model_dump(mode="json")
        for key, value in changes.items():
            *tables, last = key.split(".")
            table: Any = document
            for name in tables:
                table = table.get(name) if isinstance(table, dict) else None
            if not isinstance(table, dict) or last not in table:
                raise RecipeError(f"there is no setting {key}; dropgan train --show-recipe lists them")
            table[last] = _toml_value(value) if isinstance(value, str) else value
        return parse_recipe(document, "the changed recipe")


def recipe_names() -> list[str]:
    """Names of the recipes that come with dropgan."""
    folder = resources.files(__package__) / "recipes"
    return sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml"))


def recipe_text(name: str) -> str:
    """The TOML text of a recipe that comes with dropgan, comments included.

    Raises:
        RecipeError: There is none of that name.
    """
    if name not in recipe_names():
        raise RecipeError(
            f"there is no recipe {name}: take one of {', '.join(recipe_names())}, or a .toml file"
        )
    return (resources.files(__package__) / "recipes" / f"{name}.toml").read_text("utf-8")


def load_recipe(name: str) -> Recipe:
    """A recipe by the name of one that comes with dropgan, or by the path of a TOML file.

    Raises:
        RecipeError: There is no such recipe, or something in it is wrong.
    """
    if not name.endswith(".toml"):
        return parse_recipe(_parse_toml(recipe_text(name), name), name)
    try:
        text = Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read {name}: {error}") from error
    return parse_recipe(_parse_toml(text, name), name)


def parse_recipe(document: dict[str, Any], where: str) -> Recipe:
    """A recipe from the content of a TOML file.

    Raises:
        RecipeError: A key is unknown or missing, a value impossible, or a combination of them refused;
            all of them are named.
    """
    try:
        recipe = Recipe.model_validate(document)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ]
        raise RecipeError(f"{where}: {'; '.join(problems)}") from error
    if problems := refused(recipe):
        raise RecipeError(f"{where}: {'; '.join(problems)}")
    return recipe


def recipe_differences(before: Recipe, after: Recipe) -> list[str]:
    """Each setting in which two recipes differ, as ``key was A, now B``."""
    old, new = (_flat(recipe.model_dump(mode="json")) for recipe in (before, after))
    return [f"{key} was {old[key]}, now {new[key]}" for key in old if old[key] != new[key]]


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _parse_toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where} is not valid TOML: {error}") from error


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
