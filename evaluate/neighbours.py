"""Exact nearest neighbours of vectors, without memory for all pairs."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_CHUNK = 500


def squared_distances(queries: NDArray[np.float32], points: NDArray[np.float32]) -> Iterator[Tensor]:
    """Yield squared Euclidean distances, some queries at a time.

    They are computed in float64 after a shift by the points' mean: |x|^2 + |y|^2 - 2 x.y then cancels less,
    and the distance of equal vectors is within 1e-12 of their size.

    Args:
        queries: [n, d].
        points: [m, d].

    Yields:
        float64 [up to 500, m], rows in the order of the queries, 0 or more.
    """
    centre = torch.from_numpy(points).double().mean(0)
    other = torch.from_numpy(points).double() - centre
    norms = other.square().sum(1)
    for first in range(0, len(queries), _CHUNK):
        some = torch.from_numpy(queries[first : first + _CHUNK]).double() - centre
        squares = torch.addmm(norms, some, other.T, alpha=-2)
        yield squares.add_(some.square().sum(1, keepdim=True)).clamp_(min=0)


def nearest(
    queries: NDArray[np.float32], points: NDArray[np.float32], count: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the ``count`` nearest points of each query, nearest first.

    Returns:
        Distances float64 [n, count] and rows of ``points`` int64 [n, count].
    """
    count = min(count, len(points))
    found = [chunk.topk(count, largest=False) for chunk in squared_distances(queries, points)]
    distances = torch.cat([part.values for part in found]).sqrt()
    return distances.numpy(), torch.cat([part.indices for part in found]).numpy()


def radii(points: NDArray[np.float32], k: int) -> NDArray[np.float64]:
    """Return the squared distance of each point to its k-th nearest other point, float64 [n]."""
    parts = [chunk.topk(k + 1, largest=False).values[:, k] for chunk in squared_distances(points, points)]
    return torch.cat(parts).numpy()
