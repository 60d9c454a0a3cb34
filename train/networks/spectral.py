"""Spectral normalisation: divide every weight by its largest singular value."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from ..autocast import full_precision

_FIRST_ITERATIONS = 15  # from random vectors; afterwards one a pass keeps up with the training


class SpectralNorm(nn.Module):
    """A parametrization that divides a weight by an estimate of its largest singular value.

    Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018: one power
    iteration each time the weight is used in training, none in eval mode. torch's own
    (`torch.nn.utils.parametrizations.spectral_norm`) would do the same in fp32. Under autocast its products
    are in half precision, which is too coarse for a norm that every layer relies on.

    Attributes:
        left: Left singular vector, float32 [outputs].
        right: Right singular vector, float32 [inputs of an output].
    """

    left: Tensor
    right: Tensor

    def __init__(self, weight: Tensor, dim: int) -> None:
        """Start with random vectors from torch's global generator.

        Args:
            weight: Weight with at least two dimensions.
            dim: Dimension of the outputs.
        """
        super().__init__()
        self.dim = dim
        matrix = self._matrix(weight.detach())
        self.register_buffer("left", normalize(torch.randn_like(matrix[:, 0]), dim=0))
        self.register_buffer("right", normalize(torch.randn_like(matrix[0]), dim=0))
        self._iterate(matrix, _FIRST_ITERATIONS)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight divided by its norm, in the same shape; update the vectors in training mode."""
        with full_precision(weight.device):
            if self.training:
                self._iterate(self._matrix(weight.detach()), 1)
            return weight / self._norm(weight)

    def at_rest(self, weight: Tensor) -> Tensor:
        """Return the result of `forward` without an update of the vectors."""
        return weight / self._norm(weight)

    def settle(self, weight: Tensor) -> None:
        """Converge the vectors for a weight that was set from elsewhere."""
        self._iterate(self._matrix(weight.detach()), _FIRST_ITERATIONS)

    def _norm(self, weight: Tensor) -> Tensor:
        # Cloned: a second pass moves the vectors before the first one's gradient is taken.
        return torch.dot(self.left.clone(), torch.mv(self._matrix(weight), self.right.clone()))

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor, times: int) -> None:
        for _ in range(times):
            self.left.copy_(normalize(torch.mv(matrix, self.right), dim=0))
            self.right.copy_(normalize(torch.mv(matrix.T, self.left), dim=0))


def add_spectral_norm(network: nn.Module) -> None:
    """Put every dense layer, convolution and embedding of a network under spectral norm, in place.

    Call it after initialisation. Label embeddings are matrices that multiply one-hot vectors, so they are
    included.
    """
    layers = [
        m for m in network.modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd | nn.Embedding)
    ]
    for layer in layers:
        # the outputs of a transposed convolution and of an embedding are in dimension 1
        dim = 1 if isinstance(layer, nn.ConvTranspose2d | nn.Embedding) else 0
        parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight, dim))


def normed_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the layers under spectral norm by name."""
    return {
        name: layer for name, layer in network.named_modules() if parametrize.is_parametrized(layer, "weight")
    }


def weight_at_rest(layer: nn.Module) -> Tensor:
    """Return the effective weight of a layer under spectral norm, without an update of the norm."""
    parametrization: Any = layer.parametrizations.weight  # type: ignore[union-attr]
    normed: Tensor = parametrization[0].at_rest(parametrization.original)
    return normed


def settle_spectral_norm(network: nn.Module) -> None:
    """Converge the singular vectors after weights were set from elsewhere."""
    for layer in normed_layers(network).values():
        parametrization: Any = layer.parametrizations.weight  # type: ignore[union-attr]
        parametrization[0].settle(parametrization.original)


def remove_spectral_norm(network: nn.Module) -> None:
    """Replace spectral norm by plain weights with the normalised values, in place.

    This also works on a deep copy whose original stays under spectral norm. torch's `remove_parametrizations`
    would remove the weight from the class that copies share.
    """
    for layer in normed_layers(network).values():
        weight = weight_at_rest(layer).detach().clone()
        del layer.parametrizations
        layer.__class__ = type(layer).__bases__[0]  # the class from which torch derived the parametrized one
        layer.register_parameter("weight", nn.Parameter(weight))
