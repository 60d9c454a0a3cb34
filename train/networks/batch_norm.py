"""How training steps handle batch norm in a discriminator."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def has_batch_norm(network: nn.Module) -> bool:
    """Return True if a network has batch norm."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())


@contextmanager
def running_statistics_kept(network: nn.Module) -> Iterator[None]:
    """Keep running means and variances unchanged during passes in training mode.

    In the generator's step the discriminator sees generated samples only. If they counted, they would make up
    two thirds of the statistics that it uses in eval mode.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
