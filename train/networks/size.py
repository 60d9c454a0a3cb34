"""How large networks are, known before they are built."""

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
    """Number of weights."""
    return sum(weight.numel() for weight in network.parameters())


def require_room(recipe: PairSettings, spec: SampleSpec, available: int, *, trained: bool) -> None:
    """Refuse networks that have no room in the memory that there is, before any of it is taken.

    Counted is what depends on the weights alone: what the layers give for a batch comes on top.

    Args:
        recipe: What says how large they are.
        spec: What their samples are.
        available: Bytes.
        trained: Whether they are trained, or only read back.

    Raises:
        RecipeError: They need more.
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
    """Within it, what sets the values of a tensor does nothing.

    On the "meta" device there are none, and to do nothing there PyTorch first loads two seconds of
    libraries.
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
