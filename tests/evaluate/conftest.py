"""Real images for the tests of evaluation: the embedded ones, split in three."""

import os

# Small products on a shared machine: more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from dropgan.evaluate import FeatureNetwork, Reference, load_features
from dropgan.train import ImageData, load_images
from numpy.typing import NDArray


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Features of these tests are not left in the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


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
def split(_own_cache: None) -> Split:
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


@pytest.fixture(scope="session")
def fashion_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 60 steps on 1,000 of the embedded images, with its model.onnx, as `dropgan run` leaves it."""
    from dropgan.export import export
    from dropgan.train import load_recipe, train

    folder = tmp_path_factory.mktemp("fashion")
    np.savez(folder / "clothes.npz", images=load_images("fashion-mnist-10k").images[::10])
    settings = {"training.steps": 60, "training.batch_size": 50, "output.log_interval": 20}
    recipe = load_recipe("seed").with_settings(settings)
    run = folder / "run"
    train(run, recipe, data=str(folder / "clothes.npz"), device="cpu", precision="fp32", threads=1)
    export(run, run / "model.onnx")
    return run
