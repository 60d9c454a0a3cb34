"""What batch norms in a discriminator ask of the training steps."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def has_batch_norm(network: nn.Module) -> bool:
    """Whether there is a batch norm in it."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())


@contextmanager
def running_statistics_kept(network: nn.Module) -> Iterator[None]:
    """Within it, passes in training mode leave the running mean and variance as they are.

    The generator's step shows the discriminator generated samples only; counted in, they would
    make two thirds of the statistics with which it judges in eval mode.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
