"""Recipes: every setting of a training run, checked before anything starts."""

import copy
import json
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..serve.errors import DropganError
from .recipe_problems import problems, unknown_setting
from .recipe_text import TomlText, read_toml
from .refusals import refused

Probability = Annotated[float, Field(ge=0, lt=1)]
Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1)]
LearningRate = Annotated[float, Field(gt=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]

DEFAULT_RECIPE = "mlp"


class RecipeError(DropganError):
    """A recipe that cannot be read or holds an impossible setting."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class _NetworkSettings(_Settings):
    """What both networks may have."""

    dense: tuple[Annotated[int, Field(ge=1, le=65536)], ...] = ()
    """Widths of dense layers before the generator's coarsest grid, behind the discriminator's."""
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
    """Width of each hidden layer; channels at each resolution, coarsest first, of conv and resnet."""
    activation: Literal["relu", "leaky_relu"]
    """After each hidden layer; leaky_relu has slope 0.2."""
    learning_rate: LearningRate
    """Adam's."""


class DiscriminatorSettings(_NetworkSettings):
    hidden: Widths
    """Width of each hidden layer; channels at each resolution, finest first, of conv and resnet."""
    activation: Literal["relu", "leaky_relu"]
    """After each hidden layer; leaky_relu has slope 0.2."""
    texture_weight: Annotated[float, Field(ge=0)]
    """Weight of the local roughness that the first layer of an mlp sees beside the pixels; 0 without."""
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    """How many layers, from the samples up, keep the weights that they began from (--init-from)."""
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
    patience: Annotated[int, Field(ge=0)] = 0
    """Scores without an improvement after which training ends early; 0 trains all steps."""


class OutputSettings(_Settings):
    log_interval: Annotated[int, Field(ge=1)] = 50
    """Steps between lines of metrics.jsonl."""
    sample_interval: Annotated[int, Field(ge=1)] = 1000
    """Steps between sample grids, and between scores."""
    checkpoint_interval: Annotated[int, Field(ge=1)] = 1000
    """Steps between checkpoints."""


class HealthSettings(_Settings):
    """When training counts as gone wrong, and what is done then; looked at with each line of metrics."""

    rollbacks: Annotated[int, Field(ge=0, le=100)] = 3
    """How often training may go back to its last good checkpoint before it gives up."""
    rate_factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Both learning rates are multiplied by it at each rollback."""
    loss_limit: Annotated[float, Field(gt=0)] = 1e3
    """A mean loss beyond it, either sign, has exploded; not asked of Wasserstein losses, whose size means
    nothing."""
    gradient_limit: Annotated[float, Field(gt=0)] = 1e6
    """A gradient longer than it has exploded."""
    won: Literal["ignore", "warn", "rollback"] = "warn"
    """What to do when the discriminator has won: the generator learns nothing any more."""
    won_steps: Annotated[int, Field(ge=1)] = 1000
    """For how long the discriminator must judge 99 % of both kinds rightly, the generator's loss above 5."""
    collapsed: Literal["ignore", "warn", "rollback"] = "warn"
    """What to do when samples are nearly all the same."""
    collapsed_spread: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Below this share of the data's spread samples are nearly all the same."""
    collapsed_after: Annotated[int, Field(ge=0)] = 500
    """Steps in which samples may be alike because training has only begun."""


class Recipe(_Settings):
    """All settings of a run; see train/recipes for those that come with dropgan."""

    name: Annotated[str, Field(min_length=1)]
    """What the recipe is called in cards and reports; a file that gives none is called by its name."""
    architecture: Literal["mlp", "conv", "resnet"]
    """Of both networks: dense layers, convolutions, or residual blocks."""
    conditional: bool = False
    """Whether samples are made of a label too; the data must have labels."""
    generator: GeneratorSettings
    discriminator: DiscriminatorSettings
    penalty: PenaltySettings
    training: TrainingSettings
    output: OutputSettings = OutputSettings()
    health: HealthSettings = HealthSettings()

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
                raise RecipeError(
                    f"{unknown_setting(key, Recipe)}; dropgan train --show-recipe lists all settings"
                )
            table[last] = _toml_value(value) if isinstance(value, str) else value
        return parse_recipe(document, "the changed recipe")


def recipe_names() -> list[str]:
    """Names of the recipes that come with dropgan."""
    folder = resources.files(__package__) / "recipes"
    return sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml"))


@dataclass(frozen=True)
class RecipeLayer:
    """One file of those that a recipe is made of."""

    where: str
    """Name of a recipe that comes with dropgan, or path."""
    text: TomlText


def load_recipe(name: str) -> Recipe:
    """A recipe by the name of one that comes with dropgan, or by the path of a TOML file.

    A file that begins with ``base = "NAME"`` (or the path of a file, from where it stands) holds only
    what differs from that one.

    Raises:
        RecipeError: There is no such recipe, or something in it is wrong: the key, the file and the
            line are named.
    """
    layers = recipe_layers(name)
    document: dict[str, Any] = {}
    for layer in layers:
        _merge(document, layer.text.document)
    if "name" not in layers[-1].text.document:
        document["name"] = Path(layers[-1].where).stem
    for key in ("base", "run"):  # recipe.toml of a run directory says in [run] what it ran on
        document.pop(key, None)

    def place(key: str) -> str:
        """The file and the line that give a setting, or the nearest table around it."""
        while key:
            for layer in reversed(layers):
                if key in layer.text.statements:
                    return f"{layer.where}, line {layer.text.statements[key].line}"
            key = key.rpartition(".")[0]
        return layers[-1].where

    return parse_recipe(document, layers[-1].where, place)


def recipe_layers(name: str) -> list[RecipeLayer]:
    """The files of a recipe, what others are based on first.

    Raises:
        RecipeError: One of them cannot be read or is not TOML, or they are based on one another in a
            circle.
    """
    layers: list[RecipeLayer] = []
    while True:
        if any(layer.where == name for layer in layers):
            chain = ", ".join([*(layer.where for layer in layers), name])
            raise RecipeError(f"recipes are based on one another in a circle: {chain}")
        layers.append(RecipeLayer(name, _read(name)))
        base = layers[-1].text.document.get("base")
        if base is None:
            return layers[::-1]
        if not isinstance(base, str):
            raise RecipeError(f'{name}: base names a recipe or a file, as in base = "mlp", not {base!r}')
        # from where the file stands; an absolute path stays as it is
        name = os.path.normpath(Path(name).parent / base) if base.endswith(".toml") else base


def parse_recipe(document: dict[str, Any], where: str, place: Callable[[str], str] | None = None) -> Recipe:
    """A recipe from the content of a TOML file.

    Args:
        document: The content.
        where: The file, for messages.
        place: Gives the file and the line of a dotted key; None names the file alone.

    Raises:
        RecipeError: A key is unknown or missing, a value impossible, or a combination of them refused;
            all of them are named.
    """
    try:
        # as JSON, in which strictness is about types and not about lists being tuples
        recipe = Recipe.model_validate_json(json.dumps(document, default=_plain), strict=True)
    except ValidationError as error:
        found = [((place(key) if place else where), text) for key, text in problems(error, Recipe)]
    else:
        found = [(where, text) for text in refused(recipe)]
        if not found:
            return recipe
    places = {spot for spot, _ in found}
    if len(places) == 1:
        raise RecipeError(f"{places.pop()}: {'; '.join(text for _, text in found)}")
    raise RecipeError("; ".join(f"{spot}: {text}" for spot, text in found))


def _read(name: str) -> TomlText:
    try:
        if name.endswith(".toml"):
            text = Path(name).read_text("utf-8")
        elif name in recipe_names():
            text = (resources.files(__package__) / "recipes" / f"{name}.toml").read_text("utf-8")
        else:
            raise RecipeError(
                f"there is no recipe {name}: take one of {', '.join(recipe_names())}, or a .toml file"
            )
        return read_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name} is not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read {name}: {error}") from error


def _merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    """Put a document's settings over another's, table by table, in place."""
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = copy.deepcopy(value)


def _plain(value: Any) -> Any:
    """What JSON has no word for: a number of numpy's as Python's, a date as text, which fits nowhere."""
    return value.item() if hasattr(value, "item") else str(value)


def recipe_differences(before: Recipe, after: Recipe) -> list[str]:
    """Each setting in which two recipes differ, as ``key was A, now B``."""
    old, new = (_flat(recipe.model_dump(mode="json")) for recipe in (before, after))
    return [f"{key} was {old[key]}, now {new[key]}" for key in old if old[key] != new[key]]


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
