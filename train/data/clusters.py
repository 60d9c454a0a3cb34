"""Divide pictures into clusters of equal size, which a conditional model can learn in place of classes."""

import numpy as np
from numpy.typing import NDArray

from .classes import cluster_names
from .dataset import DataError, ImageData, TrainingData, chunks, require_kind

_CELLS = 8  # along each side of the thumbnails that are compared
_MOST = 20_000  # thumbnails by which centres are found
_ROUNDS, _PRICINGS = 30, 30
_PRICE_STEP, _PRICE_DECAY = 0.3, 0.9


def with_clusters(data: TrainingData, count: int) -> ImageData:
    """Return the same pictures, labelled by clusters of like ones, in place of the data's own labels.

    A generator that is told of clusters learns each of them from its own pictures, as with classes (Sage et
    al., "Logo synthesis and manipulation with clustered generative adversarial networks", CVPR 2018).
    Samples of a file draw all classes equally often, so clusters have equal sizes here: k-means on thumbnails
    of at most 8x8 cells, where a cluster that is too large has a price that is added to squared distances
    (Aurenhammer et al., "Minkowski-type theorems and least-squares clustering", Algorithmica 1998). All
    numbers that are compared are whole, so every machine finds the same clusters.

    Args:
        data: Pictures; labels are replaced.
        count: Number of clusters, at least 2.

    Returns:
        Data with labels 0 to ``count - 1``, from dark to bright, and names ``cluster 0``, ...; the sizes of
        clusters differ by 1 at most.

    Raises:
        DataError: The data are not images, or fewer than two for each cluster.
    """
    images = require_kind(data, ImageData, "images")
    if len(images) < 2 * count:
        raise DataError(
            f"{data.name}: {len(images):,} pictures are too few for {count:,} clusters, which need 2 each:"
            f" --set clusters=0 for none"
        )
    thumbnails = _thumbnails(images)
    rows = np.linspace(0, len(images) - 1, min(_MOST, len(images))).astype(np.int64)
    centres, prices = _fitted(thumbnails[rows], count)
    labels = _divided(thumbnails, centres, prices)
    return images.changed(labels=labels, class_names=cluster_names(count), class_numbers=tuple(range(count)))


def _thumbnails(images: ImageData) -> NDArray[np.uint8]:
    """Return the rounded mean of each cell of each picture, [n, cells]."""
    sides = images.images.shape[1:3]
    rows, columns = (np.linspace(0, side, min(side, _CELLS) + 1).astype(int) for side in sides)
    sizes = np.multiply.outer(np.diff(rows), np.diff(columns))[..., None]
    made = []
    for some in chunks(images.images):
        sums = np.add.reduceat(np.add.reduceat(some, rows[:-1], 1, np.int64), columns[:-1], 2, np.int64)
        made.append(np.rint(sums / sizes).astype(np.uint8).reshape(len(some), -1))
    return np.concatenate(made)


def _costs(thumbnails: NDArray[np.uint8], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared distances [n, centres], which are whole, as the centres are."""
    values = thumbnails.astype(np.float64)
    own = np.square(values).sum(1, keepdims=True)
    costs: NDArray[np.float64] = own + np.square(centres).sum(1) - 2 * (values @ centres.T)
    return costs


def _fitted(thumbnails: NDArray[np.uint8], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return whole centres [count, cells], from dark to bright, and the prices [count] of their clusters."""
    first = np.linspace(0, len(thumbnails) - 1, count).astype(np.int64)
    centres, prices = thumbnails[first].astype(np.float64), np.zeros(count)
    for _ in range(_ROUNDS):
        costs = _costs(thumbnails, centres)
        step = _PRICE_STEP * float(costs.min(1).mean())
        for _ in range(_PRICINGS):
            labels = (costs + prices).argmin(1)
            sizes = np.bincount(labels, minlength=count)
            prices += np.rint(step * (sizes * count / len(thumbnails) - 1))
            step *= _PRICE_DECAY
        for cluster in range(count):
            if sizes[cluster]:
                centres[cluster] = np.rint(thumbnails[labels == cluster].mean(0, dtype=np.float64))
    order = np.argsort(centres.sum(1), kind="stable")
    return centres[order], prices[order]


def _divided(
    thumbnails: NDArray[np.uint8], centres: NDArray[np.float64], prices: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the cluster of each thumbnail, int64 [n]: the cheapest one that has room for it."""
    parts = [_costs(some, centres) + prices for some in chunks(thumbnails)]
    labels = np.concatenate([part.argmin(1) for part in parts])
    regrets = np.concatenate([np.diff(np.partition(part, 1, 1)[:, :2], axis=1)[:, 0] for part in parts])
    count = len(centres)
    surplus = np.bincount(labels, minlength=count) - len(labels) // count
    surplus[: len(labels) % count] -= 1
    room = np.maximum(-surplus, 0)
    for cluster in np.flatnonzero(surplus > 0):
        rows = np.flatnonzero(labels == cluster)
        for row in rows[np.argsort(regrets[rows], kind="stable")][: surplus[cluster]]:
            costs = _costs(thumbnails[row : row + 1], centres)[0] + prices
            labels[row] = np.where(room > 0, costs, np.inf).argmin()
            room[labels[row]] -= 1
    return labels
