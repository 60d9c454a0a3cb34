"""What many tests share: one tiny trained run and the model exported from it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

TINY = {
    "training.steps": 40,
    "training.batch_size": 16,
    "output.log_interval": 10,
    "output.sample_interval": 20,
    "output.checkpoint_interval": 20,
}


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Features of the tests' images are not left in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def image_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 small grey images of blobs at random places, as .npy."""
    random = np.random.default_rng(0)
    centres = random.uniform(8, 20, (200, 2, 1, 1))
    rows, columns = np.mgrid[0:28, 0:28]
    distance = (rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2
    images = (255 * np.exp(-distance / 20)).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "blobs.npy"
    np.save(path, images)
    return path


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, image_file: Path) -> Path:
    """The directory of a run of 40 steps on the blobs, the article's recipe."""
    from dropgan.train import load_recipe, train

    directory = tmp_path_factory.mktemp("run") / "tiny"
    recipe = load_recipe("seed").with_settings(TINY)
    train(directory, recipe, data=str(image_file), device="cpu", precision="fp32", threads=1)
    return directory


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The tiny run's exported generator; tests must not change it."""
    from dropgan.export import export

    path = tmp_path_factory.mktemp("model") / "model.onnx"
    export(tiny_run, path)
    return path


@pytest.fixture(scope="session")
def fashion_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 60 steps on 1,000 of the embedded images, with its model.onnx, as `dropgan run` leaves it."""
    from dropgan.export import export
    from dropgan.train import load_images, load_recipe, train

    folder = tmp_path_factory.mktemp("fashion")
    np.savez(folder / "clothes.npz", images=load_images("fashion-mnist-10k").images[::10])
    settings = {"training.steps": 60, "training.batch_size": 50, "output.log_interval": 20}
    recipe = load_recipe("seed").with_settings(settings)
    run = folder / "run"
    train(run, recipe, data=str(folder / "clothes.npz"), device="cpu", precision="fp32", threads=1)
    export(run, run / "model.onnx")
    return run


@pytest.fixture(scope="session")
def vector_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model of vectors of three columns, hardly trained; tests must not change it."""
    from dropgan.export import export
    from dropgan.train import load_recipe, train

    folder = tmp_path_factory.mktemp("vectors")
    np.save(folder / "rows.npy", np.random.default_rng(0).normal((1, 20, 300), (1, 2, 3), (100, 3)))
    widths = {"generator.hidden": [16], "discriminator.hidden": [16]}
    recipe = load_recipe("mlp").with_settings({**TINY, "training.steps": 5, **widths})
    train(folder / "run", recipe, data=str(folder / "rows.npy"), device="cpu", precision="fp32", threads=1)
    export(folder / "run", folder / "model.onnx")
    return folder / "model.onnx"
