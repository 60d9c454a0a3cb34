"""From a recipe and the shape of the data to the two networks."""

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
    """What a recipe says of both networks; a `dropgan.train.Recipe` is one."""

    @property
    def generator(self) -> GeneratorSettings: ...
    @property
    def discriminator(self) -> DiscriminatorSettings: ...


def designs(network: str) -> dict[str, Design[Any, Any]]:
    """The designs of ``generator`` or of ``discriminator`` by the names of their architectures."""
    found = {architecture.name: getattr(architecture, network) for architecture in ARCHITECTURES}
    return {name: design for name, design in found.items() if design is not None}


def build_networks(recipe: PairSettings, spec: SampleSpec) -> tuple[GeneratorNetwork, DiscriminatorNetwork]:
    """The recipe's generator and discriminator, freshly initialised from torch's global generator.

    Raises:
        RecipeError: The samples are not such as the networks are for.
    """
    generator, discriminator = plain_networks(recipe, spec)
    if recipe.generator.spectral_norm:
        add_spectral_norm(generator)
    if recipe.discriminator.spectral_norm:
        add_spectral_norm(discriminator)
    return generator, discriminator


def plain_networks(recipe: PairSettings, spec: SampleSpec) -> tuple[GeneratorNetwork, DiscriminatorNetwork]:
    """What `build_networks` gives, not yet under spectral norm."""
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
    """Take out dropout that is not behind one of the chosen hidden layers.

    Raises:
        RecipeError: There are not so many layers.
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
    """Refuse architectures that are not for such samples.

    Raises:
        RecipeError: One of the two is not; those that are, are named.
    """
    for network, settings in (("generator", recipe.generator), ("discriminator", recipe.discriminator)):
        if not ARCHITECTURES[settings.architecture].fits(spec):
            fitting = " or ".join(name for name in designs(network) if ARCHITECTURES[name].fits(spec))
            raise RecipeError(
                f"{network}.architecture {settings.architecture} is not for {spec.described}:"
                f" use a recipe with architecture {fitting}"
            )
