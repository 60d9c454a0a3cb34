"""Build both networks from a recipe and the shape of the data."""

from typing import Any, Protocol

from torch import nn

from ..settings import RecipeError
from .architectures import ARCHITECTURES
from .dropout import dropouts
from .interface import Design, DiscriminatorNetwork, GeneratorNetwork
from .settings import DiscriminatorSettings, GeneratorSettings, LayerSettings, NetworkSettings
from .spec import SampleSpec
from .spectral import add_spectral_norm


class PairSettings(Protocol):
    """The part of a recipe that describes both networks; `dropgan.train.Recipe` has it."""

    @property
    def generator(self) -> GeneratorSettings: ...
    @property
    def discriminator(self) -> DiscriminatorSettings: ...


def designs(network: str) -> dict[str, Design[Any, Any]]:
    """Return the designs of ``generator`` or ``discriminator`` by the names of their architectures."""
    found = {architecture.name: getattr(architecture, network) for architecture in ARCHITECTURES}
    return {name: design for name, design in found.items() if design is not None}


def build_networks(recipe: PairSettings, spec: SampleSpec) -> tuple[GeneratorNetwork, DiscriminatorNetwork]:
    """Build the recipe's generator and discriminator, initialised from torch's global generator.

    Raises:
        RecipeError: The networks do not support these samples.
    """
    generator, discriminator = plain_networks(recipe, spec)
    if recipe.generator.spectral_norm:
        add_spectral_norm(generator)
    if recipe.discriminator.spectral_norm:
        add_spectral_norm(discriminator)
    return generator, discriminator


def plain_networks(recipe: PairSettings, spec: SampleSpec) -> tuple[GeneratorNetwork, DiscriminatorNetwork]:
    """Build the networks as `build_networks` does, without spectral norm."""
    generator: GeneratorNetwork = designs("generator")[recipe.generator.architecture].build(
        recipe.generator, spec
    )
    discriminator: DiscriminatorNetwork = designs("discriminator")[recipe.discriminator.architecture].build(
        recipe.discriminator, spec
    )
    for network, settings in ((generator, recipe.generator), (discriminator, recipe.discriminator)):
        if settings.initialisation == "pytorch":
            for layer in network.modules():
                if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd):
                    layer.reset_parameters()
    _leave_chosen_dropout(generator, "generator", recipe.generator)
    _leave_chosen_dropout(discriminator, "discriminator", recipe.discriminator)
    return generator, discriminator


def _leave_chosen_dropout(network: nn.Module, name: str, settings: NetworkSettings) -> None:
    """Remove dropout that does not follow one of the chosen hidden layers.

    Raises:
        RecipeError: There are fewer layers.
    """
    if not isinstance(settings, LayerSettings) or isinstance(settings.dropout_layers, str):
        return
    chosen = set(settings.dropout_layers)
    paths = [path for path, module in dropouts(network).items() if getattr(module, "behind_layer", False)]
    if settings.most_dropout and max(chosen) > len(paths):
        raise RecipeError(
            f"{name}.dropout_layers names layer {max(chosen)}, but there are {len(paths)} hidden layers"
        )
    for number, path in enumerate(paths, 1):
        if number not in chosen:
            network.set_submodule(path, nn.Identity())


def require_architectures_fit(recipe: PairSettings, spec: SampleSpec) -> None:
    """Refuse architectures that do not support these samples.

    Raises:
        RecipeError: One of the two does not. The message names those that do.
    """
    for network, settings in (("generator", recipe.generator), ("discriminator", recipe.discriminator)):
        if not ARCHITECTURES[settings.architecture].fits(spec):
            fitting = " or ".join(name for name in designs(network) if ARCHITECTURES[name].fits(spec))
            raise RecipeError(
                f"{network}.architecture {settings.architecture} is not for {spec.described}:"
                f" use a recipe with architecture {fitting}"
            )
