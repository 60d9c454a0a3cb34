"""The size of networks, computed before they are built."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..settings import RecipeError
from .build import PairSettings, plain_networks
from .spec import SampleSpec

_FLOAT = 4  # bytes of a weight
_TRAINED = (5, 4)  # copies: weights, gradients, Adam's two moments; of the generator also the average
_READ = (2, 1)


def parameter_count(network: nn.Module) -> int:
    """Return the number of weights."""
    return sum(weight.numel() for weight in network.parameters())


def require_room(recipe: PairSettings, spec: SampleSpec, available: int, *, trained: bool) -> None:
    """Refuse networks that do not fit into the available memory, before any of it is allocated.

    Only memory that depends on the weights alone is counted. Activations of a batch need more.

    Args:
        recipe: Settings of the networks.
        spec: Spec of their samples.
        available: Available bytes.
        trained: True if they are trained, False if they are only loaded.

    Raises:
        RecipeError: They need more memory.
    """
    with torch.device("meta"), _WithoutValues():
        weights = [parameter_count(network) for network in plain_networks(recipe, spec)]
    copies = _TRAINED if trained else _READ
    needed = _FLOAT * sum(times * count for times, count in zip(copies, weights, strict=True))
    if needed > available:
        raise RecipeError(
            f"networks of {sum(weights):,} weights take at least {needed / 2**30:,.1f} GiB, and"
            f" {available / 2**30:,.1f} GiB are available: make hidden narrower"
        )


class _WithoutValues(TorchFunctionMode):
    """Make initialisation of tensors a no-op for the block.

    Tensors on the "meta" device have no values, and to do nothing there PyTorch first loads libraries for two
    seconds.
    """

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = func.__name__
        if name.endswith("_") and not name.endswith("__"):  # in place
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
