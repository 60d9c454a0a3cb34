"""What many tests share: one tiny trained run and the model exported from it."""

import fcntl
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import dropgan  # noqa: F401 - before any test imports onnxruntime, which would send to its maker else

TINY = {
    "training.steps": 40,
    "training.batch_size": 16,
    "output.log_interval": 10,
    "output.sample_interval": 20,
    "output.checkpoint_interval": 20,
}


LONGEST = ("tests/test_readme.py", "tests/test_python_page.py", "tests/examples/test_notebook.py")
"""Files with few tests that take long: begun last, one process would work on them while the other waits."""


def pytest_configure() -> None:
    """Let tests stop what they start. A shell's background job ignores Ctrl-C, one under nohup a closed
    terminal, and processes that they start would too; what is handled, they do not inherit.
    """
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, lambda *_: None)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


_PATCHED: list[ModuleType] = []


def pytest_runtest_setup() -> None:
    """PyTorch's exporter builds its 500 translations once for all tests, not anew for each export.

    That is half of the time of exporting a small network. The module is patched once a test has loaded it.
    """
    registration = sys.modules.get("torch.onnx._internal.exporter._registration")
    if registration is None or registration in _PATCHED:
        return
    registry = registration.ONNXRegistry
    registry.from_torchlib = staticmethod(functools.cache(registry.from_torchlib))
    _PATCHED.append(registration)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Features of the tests' images are not left in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first of pytest's processes to want it fills; the others wait and share it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "made"
        if not done.exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def image_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 small grey images of blobs at random places, as .npy."""

    def make(folder: Path) -> None:
        random = np.random.default_rng(0)
        centres = random.uniform(8, 20, (200, 2, 1, 1))
        rows, columns = np.mgrid[0:28, 0:28]
        distance = (rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2
        np.save(folder / "blobs.npy", (255 * np.exp(-distance / 20)).astype(np.uint8))

    return made_once(tmp_path_factory, "image_file", make) / "blobs.npy"


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, image_file: Path) -> Path:
    """The directory of a run of 40 steps on the blobs, the article's recipe."""
    from dropgan.train import change_recipe, load_recipe, train

    def make(folder: Path) -> None:
        recipe = change_recipe(load_recipe("seed"), TINY)
        train(folder / "tiny", recipe, data=str(image_file), device="cpu", precision="fp32", threads=1)

    return made_once(tmp_path_factory, "tiny_run", make) / "tiny"


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The tiny run's exported generator; tests must not change it."""
    from dropgan.export import export

    made = made_once(tmp_path_factory, "model_file", lambda folder: export(tiny_run, folder / "model.onnx"))
    return made / "model.onnx"


@pytest.fixture(scope="session")
def bars_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 grey images of a bright bar at the left, in the middle or at the right, by class, as .npz."""

    def make(folder: Path) -> None:
        random = np.random.default_rng(0)
        labels = np.arange(600) % 3
        images = random.integers(0, 40, (600, 8, 8)).astype(np.uint8)
        for label in range(3):
            images[labels == label, :, 3 * label : 3 * label + 2] += 180
        names = np.array(["left", "middle", "right"])
        np.savez(folder / "bars.npz", images=images, labels=labels, class_names=names)

    return made_once(tmp_path_factory, "bars_file", make) / "bars.npz"


def bar_of(images: np.ndarray) -> np.ndarray:
    """Which class of `bars_file` each of uint8 [n, 8, 8, 1] shows: where it is brightest."""
    columns = [images[:, :, 3 * label : 3 * label + 2].mean(axis=(1, 2, 3)) for label in range(3)]
    found: np.ndarray = np.stack(columns, 1).argmax(1)
    return found


@pytest.fixture(scope="session")
def conditional_run(tmp_path_factory: pytest.TempPathFactory, bars_file: Path) -> Path:
    """A class-conditional run that has learned the three bars; half a second."""
    from dropgan.train import change_recipe, load_recipe, train

    settings = {
        "conditional": True,
        "generator.latent_dim": 8,
        "generator.label_dim": 4,
        "generator.hidden": [48, 48],
        "discriminator.hidden": [48, 48],
        "training.steps": 400,
        "training.batch_size": 48,
        "training.ema_decay": 0.95,
    }
    recipe = change_recipe(load_recipe("mlp"), settings)

    def make(folder: Path) -> None:
        train(folder / "run", recipe, data=str(bars_file), device="cpu", precision="fp32", threads=1)

    return made_once(tmp_path_factory, "conditional_run", make) / "run"


@pytest.fixture(scope="session")
def conditional_model(tmp_path_factory: pytest.TempPathFactory, conditional_run: Path) -> Path:
    """The conditional run's exported generator; tests must not change it."""
    from dropgan.export import export

    def make(folder: Path) -> None:
        export(conditional_run, folder / "model.onnx")

    return made_once(tmp_path_factory, "conditional_model", make) / "model.onnx"


@pytest.fixture(scope="session")
def fashion_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 60 steps on 1,000 of the embedded images, with its model.onnx, as `dropgan run` leaves it."""
    from dropgan.export import export
    from dropgan.train import change_recipe, load_images, load_recipe, train

    def make(folder: Path) -> None:
        whole = load_images("fashion-mnist-10k")
        assert whole.labels is not None
        images, labels, names = whole.images[::10], whole.labels[::10], np.array(whole.class_names)
        np.savez(folder / "clothes.npz", images=images, labels=labels, class_names=names)
        settings = {"training.steps": 60, "training.batch_size": 50, "output.log_interval": 20}
        recipe = change_recipe(load_recipe("seed"), settings)
        data, run = str(folder / "clothes.npz"), folder / "run"
        train(run, recipe, data=data, device="cpu", precision="fp32", threads=1)
        export(run, run / "model.onnx")

    return made_once(tmp_path_factory, "fashion_run", make) / "run"


@pytest.fixture(scope="session")
def vector_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model of vectors of three columns, hardly trained; tests must not change it."""
    from dropgan.export import export
    from dropgan.train import change_recipe, load_recipe, train

    def make(folder: Path) -> None:
        np.save(folder / "rows.npy", np.random.default_rng(0).normal((1, 20, 300), (1, 2, 3), (100, 3)))
        widths = {"generator.hidden": [16], "discriminator.hidden": [16]}
        recipe = change_recipe(load_recipe("mlp"), {**TINY, "training.steps": 5, **widths})
        data, run = str(folder / "rows.npy"), folder / "run"
        train(run, recipe, data=data, device="cpu", precision="fp32", threads=1)
        export(run, folder / "model.onnx")

    return made_once(tmp_path_factory, "vector_model", make) / "model.onnx"
