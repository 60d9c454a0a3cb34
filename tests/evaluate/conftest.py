"""Real images for the tests of evaluation: the embedded ones, split in three."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dropgan.evaluate import FeatureNetwork, Reference, load_features
from dropgan.train import ImageData, load_images


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    """Small products on a shared machine: more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Split:
    """Three disjoint parts of the embedded images."""

    training: Reference
    held_out: Reference
    fresh: NDArray[np.uint8]
    """Real images that are in neither."""
    fresh_labels: NDArray[np.int64]
    network: FeatureNetwork


@pytest.fixture(scope="session")
def split() -> Split:
    data = load_images("fashion-mnist-10k")
    assert data.labels is not None
    order = np.random.default_rng(0).permutation(len(data.images))
    mine, other, rest = order[:2000], order[2000:4000], order[4000:5000]
    network = load_features()

    def part(name: str, rows: NDArray[np.int64], kind: str) -> Reference:
        images = np.ascontiguousarray(data.images[rows])
        return Reference.of(ImageData(images, name), network, split=kind)

    return Split(
        part("mine", mine, "training"),
        part("other", other, "held-out"),
        data.images[rest],
        data.labels[rest],
        network,
    )
