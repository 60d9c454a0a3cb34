"""Samples written into arrays that lie ready, and memory that a GPU reaches by itself."""

import ctypes
import gc
import itertools
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dropgan.serve import Generator, ModelError, binding
from dropgan.serve.batch.describe import describe
from dropgan.serve.batch.job import Job
from dropgan.serve.batch.shard import ShardMaker
from dropgan.serve.providers import CUDA, cuda_driver, load_onnxruntime, nvidia_driver


@pytest.fixture(scope="module")
def generator(model_file: Path) -> Generator:
    return Generator(model_file, device="cpu", threads=1)


@pytest.mark.parametrize("batch_size", [None, 1, 7, 64, 1000])
def test_render_writes_the_samples(generator: Generator, batch_size: int | None) -> None:
    """Arrays used again would keep pixels of the samples before, or get those of other indices."""
    latents, images = generator.latent_buffer(100), generator.sample_buffer(100)
    images[:] = 77
    for start, count in ((0, 100), (93, 40), (5, 1)):
        drawn = generator.draw(count, seed=3, start=start, truncation=0.5, buffer=latents)
        assert np.shares_memory(drawn.latents, latents)
        before = images[count:].copy()
        generator.render(drawn, images[:count], batch_size=batch_size)
        assert np.array_equal(images[:count], generator.sample(count, seed=3, start=start, truncation=0.5))
        assert np.array_equal(images[count:], before), "it wrote behind the array"


def test_render_in_tiles(model_file: Path, generator: Generator) -> None:
    """On a GPU every run must have one size and place, whichever samples are asked for."""
    tiled = Generator(model_file, device="cpu", threads=1)
    tiled._session.tile = 16
    latents = tiled.latent_buffer(40)
    for start, count in ((0, 32), (15, 2), (31, 40), (1, 14)):
        images = np.empty((count, *tiled.sample_shape), dtype=np.uint8)
        drawn = tiled.draw(count, seed=3, start=start, buffer=latents)
        assert len(drawn.latents) % 16 == 0
        assert np.array_equal(drawn.latents[:1], generator.latents(1, seed=3, start=start // 16 * 16))
        tiled.render(drawn, images)
        assert np.array_equal(images, generator.sample(count, seed=3, start=start))


def test_render_of_other_layouts(tiny_run: Path, tmp_path: Path) -> None:
    """A model for tools that want the channels first would write its rows into the wrong places."""
    from dropgan.export import export

    export(tiny_run, tmp_path / "rgb.onnx", layout="rgb-nchw")
    generator = Generator(tmp_path / "rgb.onnx", device="cpu")
    images = generator.sample_buffer(5)
    generator.render(generator.draw(5, seed=1, start=2), images)
    assert images.shape == (5, 28, 28, 3)
    assert np.array_equal(images, generator(generator.latents(5, seed=1, start=2)))


def test_a_run_that_fails_is_named(generator: Generator) -> None:
    """An array of a wrong size would end in onnxruntime's words, or be written past its end."""
    drawn = generator.draw(4)
    with pytest.raises(ModelError, match="cannot be run"):
        generator.render(drawn, np.empty((4, 27, 28, 1), dtype=np.uint8))


@pytest.mark.parametrize("overlap", [False, True])
def test_no_chunk_is_overwritten(
    generator: Generator, tmp_path: Path, overlap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a slow disk, arrays that are used in turn would hold later samples when they are written."""
    monkeypatch.setattr(Job, "chunk_samples", 16)
    count = 16 * 40
    job = describe(
        generator, count, seed=1, start=0, format_="npy", shard_size=320, truncation=1.0, keep=None
    )
    maker = ShardMaker(
        generator,
        job,
        tmp_path,
        "whole",
        batch_size=None,
        overlap=overlap,
        progress=lambda _: time.sleep(0.002),
    )
    add = maker._add

    def late(writer: object, chunk: object) -> int:
        time.sleep(0.002)  # the model is far ahead when this chunk is written
        return add(writer, chunk)  # type: ignore[arg-type]

    monkeypatch.setattr(maker, "_add", late)
    assert len(list(maker.make(iter(job.shards())))) == 2
    shards = [np.load(path) for path in sorted(tmp_path.glob("*.npy"))]
    assert np.array_equal(np.concatenate(shards), generator.sample(count, seed=1))


class FakeDriver:
    """Counts what is page-locked, as the CUDA driver would, and fails where it is told to."""

    def __init__(self, fail: str = "") -> None:
        self.locked: dict[int, int] = {}
        self.contexts, self.pushed, self._fail = 0, 0, fail

    def __getattr__(self, name: str):
        def call(*arguments: object) -> int:
            if name == self._fail:
                return 1
            assert self.pushed or not name.startswith("cuMem"), "no context is current"
            getattr(type(self), f"_{name}", lambda *_: None)(self, *arguments)
            return 0

        return call

    def _cuDevicePrimaryCtxRetain(self, *_: object) -> None:
        self.contexts += 1

    def _cuDevicePrimaryCtxRelease_v2(self, *_: object) -> None:
        self.contexts -= 1

    def _cuCtxPushCurrent_v2(self, *_: object) -> None:
        self.pushed += 1

    def _cuCtxPopCurrent_v2(self, *_: object) -> None:
        self.pushed -= 1

    def _cuMemHostRegister_v2(self, pointer: ctypes.c_void_p, size: ctypes.c_size_t, flags: int) -> None:
        self.locked[int(pointer.value or 0)] = size.value

    def _cuMemHostUnregister(self, pointer: ctypes.c_void_p) -> None:
        del self.locked[int(pointer.value or 0)]


def _on_cuda() -> SimpleNamespace:
    return SimpleNamespace(
        get_providers=lambda: [CUDA], get_provider_options=lambda: {CUDA: {"device_id": "0"}}
    )


def test_page_locks_end_with_the_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that outlives its memory would leave the GPU writing into somebody else's."""
    driver = FakeDriver()
    monkeypatch.setattr(binding, "cuda_driver", lambda: driver)
    array = binding.host_array((10, 28, 28, 1), np.uint8, _on_cuda())
    assert driver.locked == {array.ctypes.data: 7840}
    view = array[3:5]
    del array
    gc.collect()
    assert driver.locked, "a view still needs it"
    view[:] = 1
    del view
    gc.collect()
    assert (driver.locked, driver.contexts, driver.pushed) == ({}, 0, 0)


@pytest.mark.parametrize(
    "fail", ["cuMemHostRegister_v2", "cuDevicePrimaryCtxRetain", "cuDeviceGet", "cuCtxPushCurrent_v2"]
)
def test_memory_that_cannot_be_locked_still_serves(monkeypatch: pytest.MonkeyPatch, fail: str) -> None:
    """A limit on locked memory, as containers have it, would stop a job that runs well without."""
    driver = FakeDriver(fail)
    monkeypatch.setattr(binding, "cuda_driver", lambda: driver)
    array = binding.host_array((4, 5), np.float32, _on_cuda())
    array[:] = 2
    assert array.sum() == 40
    assert (driver.locked, driver.contexts, driver.pushed) == ({}, 0, 0)


@pytest.mark.gpu
def test_buffers_are_page_locked_on_cuda(model_file: Path) -> None:
    """On a GPU: copies would go through the driver's own buffer, and the GPU wait for them."""
    if nvidia_driver() is not None or CUDA not in load_onnxruntime().get_available_providers():
        pytest.skip("no NVIDIA GPU that onnxruntime can use")
    cuda = Generator(model_file, device="cuda")
    latents, images = cuda.latent_buffer(3000), cuda.sample_buffer(3000)
    flags = ctypes.c_uint()
    for array in (latents, images):
        address = ctypes.c_void_p(array.ctypes.data)
        assert cuda_driver().cuMemHostGetFlags(ctypes.byref(flags), address) == 0
    for start, turn in itertools.product((0, 500), range(2)):
        cuda.render(cuda.draw(3000, seed=turn, start=start, buffer=latents), images)
        assert np.array_equal(images, cuda.sample(3000, seed=turn, start=start))
