"""Routing: compute capsules from the votes of the capsules below.

A capsule is a vector. Its direction describes an entity, and its length, below 1, is the probability that the
entity is present.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

EPSILON = 1e-7
"""Added to a squared length before its root is taken, whose slope at 0 is infinite: penalties differentiate
twice, and a capsule whose units were all dropped is 0."""


def squash(vectors: Tensor) -> Tensor:
    """Scale vectors of any length to lengths below 1 in the same directions, float [..., size].

    Sabour, Frosst, Hinton, "Dynamic routing between capsules", NIPS 2017, equation 1, except for `EPSILON`.
    """
    square = vectors.square().sum(-1, keepdim=True)
    return vectors * (square / (1 + square) * torch.rsqrt(square + EPSILON))


def squashed_length(vectors: Tensor) -> Tensor:
    """Return the lengths of the results of `squash`, float [..., size] to [...], without a root."""
    square = vectors.square().sum(-1)
    return square / (1 + square)


class DynamicRouting(nn.Module):
    """Reweights votes a few times by their agreement with their weighted sum.

    Sabour et al. 2017, procedure 1. The gradient goes through all rounds.
    """

    def __init__(self, inputs: int, outputs: int, iterations: int) -> None:
        super().__init__()
        self.outputs, self.iterations = outputs, iterations

    def forward(self, votes: Tensor) -> Tensor:
        """Map float32 [n, outputs, inputs, size] to [n, outputs, size], the upper capsules before
        `squash`.
        """
        total = votes.sum(2) / self.outputs  # all weights begin equal
        agreement = votes.new_zeros(())
        for _ in range(self.iterations - 1):
            agreement = agreement + _agreement(votes, squash(total))
            total = _weighted(agreement.softmax(1), votes)
        return total


class AttentionRouting(nn.Module):
    """Weights votes once, by their agreement with one another.

    Mazzia, Salvetti, Chiaberge, "Efficient-CapsNet: capsule network with self-attention routing", Scientific
    Reports 11, 2021, equations 4 to 7. The products of a vote with all votes add up to its product with their
    sum, so no matrix of all pairs is needed.

    Attributes:
        prior: Learned term added to the weights, float32 [outputs, inputs], initially 0.
    """

    def __init__(self, inputs: int, outputs: int, iterations: int) -> None:
        super().__init__()
        self.prior = nn.Parameter(torch.zeros(outputs, inputs))

    def forward(self, votes: Tensor) -> Tensor:
        """Map votes to capsules, as `DynamicRouting` does."""
        agreement = _agreement(votes, votes.sum(2)) / math.sqrt(votes.shape[-1])
        return _weighted(agreement.softmax(1) + self.prior, votes)


# Products and sums: on a CPU, matrix products of so many so small matrices take up to twice the time.


def _agreement(votes: Tensor, capsules: Tensor) -> Tensor:
    """Map [n, outputs, inputs, size] and [n, outputs, size] to [n, outputs, inputs]."""
    return (votes * capsules.unsqueeze(2)).sum(-1)


def _weighted(weights: Tensor, votes: Tensor) -> Tensor:
    """Map [n, outputs, inputs] and [n, outputs, inputs, size] to [n, outputs, size]."""
    return (weights.unsqueeze(-1) * votes).sum(2)


ROUTINGS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "dynamic": DynamicRouting,
    "attention": AttentionRouting,
}
"""By their names in recipes: from the numbers of capsules below and above, and of rounds."""
