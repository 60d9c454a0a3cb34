"""The settings that a recipe may have, and which ones remain when an architecture changes."""

import copy
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict

from ..networks.build import designs
from ..networks.settings import DiscriminatorSettings, GeneratorSettings
from ..registry import require_among
from .settings import Recipe, recipe_type

NETWORKS = ("generator", "discriminator")
SHORT = "architecture"
"""Key outside the tables that sets the architecture of both networks."""


class _UnknownGenerator(GeneratorSettings):
    """Settings for an unknown architecture: settings of all generators are checked, others ignored."""

    model_config = ConfigDict(extra="ignore")
    architecture: Annotated[str, AfterValidator(lambda name: require_among(designs("generator"), name))]


class _UnknownDiscriminator(DiscriminatorSettings):
    """Settings for an unknown architecture: settings of all discriminators are checked, others ignored."""

    model_config = ConfigDict(extra="ignore")
    architecture: Annotated[str, AfterValidator(lambda name: require_among(designs("discriminator"), name))]


def recipe_type_of(document: dict[str, Any]) -> type[Recipe]:
    """Return the class of recipes for a document, by its architectures."""
    return recipe_type(
        _settings("generator", document) or _UnknownGenerator,
        _settings("discriminator", document) or _UnknownDiscriminator,
    )


def expand(document: dict[str, Any]) -> None:
    """Copy an ``architecture`` outside the tables to the networks that name none, in place."""
    if SHORT not in document:
        return
    name = document.pop(SHORT)
    for network in NETWORKS:
        table = document.setdefault(network, {})
        if isinstance(table, dict):
            table.setdefault(SHORT, name)


def put_over(below: dict[str, Any], above: dict[str, Any]) -> None:
    """Merge the settings of ``above`` into ``below``, table by table, in place.

    If a network's architecture changes, settings that only the old one has are dropped. They would otherwise
    be unknown settings that the user has not written.
    """
    above = copy.deepcopy(above)
    expand(above)
    for network in NETWORKS:
        before, after = _settings(network, below), _settings(network, above)
        if before is not None and after is not None and isinstance(below[network], dict):
            for name in before.model_fields.keys() - after.model_fields.keys():
                below[network].pop(name, None)
    _merge(below, above)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = value


def _settings(network: str, document: dict[str, Any]) -> Any:
    """Return the class of a network's settings; None if the architecture is missing or unknown."""
    table = document.get(network)
    name = table.get(SHORT) if isinstance(table, dict) else None
    design = designs(network).get(name) if isinstance(name, str) else None
    return None if design is None else design.settings
