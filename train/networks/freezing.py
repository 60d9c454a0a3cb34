"""Freeze layers of the discriminator."""

from collections.abc import Collection

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..settings import RecipeError
from .interface import DiscriminatorNetwork

_NOT_TAKEN = "could not be taken from the earlier model and has random weights"


def stages(discriminator: DiscriminatorNetwork) -> list[list[nn.Module]]:
    """Return the layers below the discriminator's output, from the samples up, each with its batch norm."""
    found: list[list[nn.Module]] = []
    for module in discriminator.hidden_layers():
        if isinstance(module, _BatchNorm):
            found[-1].append(module)
        elif any(True for _ in module.parameters()):
            found.append([module])
    return found


def require_learned(discriminator: DiscriminatorNetwork, frozen: int, fresh: Collection[str] | None) -> None:
    """Refuse to freeze layers that do not exist or have not learned anything yet.

    Args:
        discriminator: The discriminator before the first step.
        frozen: ``discriminator.frozen_layers``.
        fresh: Names of the layers with random weights, ``discriminator NAME``; None if all have them.

    Raises:
        RecipeError: ``frozen`` includes one of these.
    """
    setting, lower = f"discriminator.frozen_layers = {frozen}", stages(discriminator)
    if frozen > len(lower):
        raise RecipeError(f"{setting}: the discriminator has {len(lower)} layers below its output")
    if frozen and fresh is None:
        raise RecipeError(f"{setting} freezes layers of another model: name it with --init-from")
    names = {module: name for name, module in discriminator.named_modules()}
    for stage in lower[:frozen]:
        for name in (names[module] for module in stage):
            if any(f"{layer}.".startswith(f"discriminator {name}.") for layer in fresh or ()):
                raise RecipeError(f"{setting} would freeze {name}, which {_NOT_TAKEN}")


def train_above(discriminator: DiscriminatorNetwork, frozen: int) -> None:
    """Freeze the lowest ``frozen`` layers and train all others.

    FreezeD: Mo, Cho, Shin, "Freeze the discriminator: a simple baseline for fine-tuning GANs", CVPR workshop
    2020. The features of the lower layers suit other images too, and a discriminator that learns less
    memorises few images less.
    """
    discriminator.requires_grad_(True)
    for stage in stages(discriminator)[:frozen]:
        for module in stage:
            module.requires_grad_(False)
