"""The runtime: what an application developer relies on."""

import multiprocessing
import pickle
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from dropgan.serve import DeviceError, Generator, InputError, ModelError
from dropgan.serve.providers import CUDA, load_onnxruntime, nvidia_driver


@pytest.fixture(scope="module")
def generator(model_file: Path) -> Generator:
    return Generator(model_file, device="cpu")


def test_samples_are_pixels(generator: Generator) -> None:
    """uint8, channels last, ready to show, and not all the same."""
    images = generator.sample(16, seed=0)
    assert images.shape == (16, 28, 28, 1)
    assert images.dtype == np.uint8
    assert len({image.tobytes() for image in images}) == 16
    assert generator.sample(0).shape == (0, 28, 28, 1)


def test_sample_is_latents_then_call(generator: Generator) -> None:
    """Both ways into the model agree."""
    latents = generator.latents(20, seed=3, start=5)
    assert latents.dtype == np.float32
    assert np.array_equal(generator(latents), generator.sample(20, seed=3, start=5))
    assert np.array_equal(generator(latents.astype(np.float64)), generator(latents))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 64, 100, 1000])
def test_pixels_do_not_depend_on_the_batch(generator: Generator, batch_size: int) -> None:
    """Two machines of a batch job with different memory must make the same images."""
    expected = generator.sample(300, seed=1, start=1000)
    assert np.array_equal(generator.sample(300, seed=1, start=1000, batch_size=batch_size), expected)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_pixels_do_not_depend_on_threads(model_file: Path, generator: Generator, threads: int) -> None:
    """Nor on how many cores the machine happens to have."""
    other = Generator(model_file, device="cpu", threads=threads)
    for batch_size in (1, 5, 256):
        given = other.sample(256, seed=2, batch_size=batch_size)
        assert np.array_equal(given, generator.sample(256, seed=2))


def test_a_sample_for_each_of_many_seeds(generator: Generator) -> None:
    """A page of users' pictures in one call must show everybody the picture that they have elsewhere."""
    seeds, indices, factors = ["ada", 7, 2**64 - 1, "ada"], [0, 3, 2**60 - 1, 1], [1.0, 0.5, 1.0, 0.7]
    made = generator.sample_each(seeds, indices, truncation=factors)
    for one, seed, index, factor in zip(made, seeds, indices, factors, strict=True):
        assert np.array_equal(one, generator.sample(1, seed=seed, start=index, truncation=factor)[0])
    long = [f"user {number}" for number in range(300)]
    assert np.array_equal(generator.sample_each(long)[299], generator.sample(1, seed="user 299")[0])
    assert generator.sample_each([]).shape == (0, 28, 28, 1)
    for wrong, said in (
        ({"seeds": "ada"}, "are a list"),
        ({"seeds": [1, 2], "indices": [0]}, "2 seeds, but 1 indices"),
        ({"seeds": [1, 2], "truncation": [1.0]}, "2 seeds, but 1 truncations"),
        ({"seeds": [1, 2**64]}, "seed must lie"),
        ({"seeds": [1], "indices": -1}, "indices must lie"),
        ({"seeds": [1], "truncation": 0.0}, "truncation must be"),
        ({"seeds": [1], "labels": 0}, "not class-conditional"),
    ):
        with pytest.raises(InputError, match=said):
            generator.sample_each(**wrong)
    with pytest.raises(InputError, match="not class-conditional"):
        generator.labels_each([1])


def test_sample_i_is_sample_i_wherever_a_range_begins(generator: Generator) -> None:
    """Shards in any order join to the same set; sample 7,000,000 needs none of those before."""
    whole = generator.sample(60, seed=9, start=6_999_970)
    for start, count in ((7_000_000, 30), (6_999_980, 1), (6_999_970, 60), (6_999_999, 2)):
        part = generator.sample(count, seed=9, start=start)
        assert np.array_equal(part, whole[start - 6_999_970 :][:count])


def test_batch_holds_nothing_but_the_rows_asked_for(generator: Generator) -> None:
    """A row's pixels must not depend on its neighbours or its place in the batch."""
    latents = generator.latents(40, seed=4)
    order = np.random.default_rng(0).permutation(40)
    assert np.array_equal(generator(latents[order]), generator(latents)[order])


def test_tiles_give_the_same_samples(model_file: Path, generator: Generator) -> None:
    """A provider that needs batches of one size gets them, aligned to the absolute index."""
    tiled = Generator(model_file, device="cpu")
    sizes = []
    session = tiled._session
    session.tile = 16
    run, run_into = session.run, session.run_into
    session.run = lambda name, feed: sizes.append(len(feed["latents"])) or run(name, feed)  # type: ignore[method-assign, func-returns-value]
    session.run_into = lambda name, feed, out: sizes.append(len(feed["latents"])) or run_into(name, feed, out)  # type: ignore[method-assign, func-returns-value]
    for start, count in ((0, 16), (5, 3), (15, 2), (30, 100)):
        given = tiled.sample(count, seed=1, start=start, batch_size=7)
        assert np.array_equal(given, generator.sample(count, seed=1, start=start))
    assert set(sizes) == {16}


def test_stream_gives_the_same_in_batches(generator: Generator) -> None:
    """Constant memory, no sample lost at the seams, arguments checked at once."""
    batches = list(generator.stream(250, seed=5, batch_size=100))
    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert np.array_equal(np.concatenate(batches), generator.sample(250, seed=5))
    with pytest.raises(InputError):
        generator.stream(-1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": -1}, "0 or more"),
        ({"count": 1, "seed": -1}, "seed"),
        ({"count": 1, "seed": 2**64}, "seed"),
        ({"count": 1, "start": -5}, "between 0"),
        ({"count": 1, "start": 2**60}, "between 0"),
        ({"count": 1, "batch_size": 0}, "batch_size"),
    ],
)
def test_impossible_ranges(generator: Generator, arguments: dict[str, int], message: str) -> None:
    """A negative index must not wrap round to some other sample."""
    with pytest.raises(InputError, match=message):
        generator.sample(**arguments)


@pytest.mark.parametrize("latents", [np.zeros((2, 3)), np.zeros(100), np.array([["a"] * 100]), [[1.0, 2.0]]])
def test_wrong_latents(generator: Generator, latents: object) -> None:
    """Said in terms of latents, not of onnxruntime."""
    with pytest.raises(InputError, match=r"shape \[n, 100\]"):
        generator(latents)


def test_threads_share_one_generator(generator: Generator) -> None:
    """A web service calls it from many threads at once."""
    expected = generator.sample(64, seed=11)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda part: generator.sample(8, seed=11, start=8 * (part % 8)), range(64)))
    for part, images in enumerate(results):
        assert np.array_equal(images, expected[8 * (part % 8) :][:8])


def test_pickle_and_bytes(model_file: Path, generator: Generator) -> None:
    """Worker processes get it sent; applications embed the file's bytes."""
    expected = generator.sample(4)
    assert np.array_equal(pickle.loads(pickle.dumps(generator)).sample(4), expected)
    assert np.array_equal(Generator(model_file.read_bytes()).sample(4), expected)


@pytest.mark.skipif(not hasattr(multiprocessing, "get_context") or sys.platform == "win32", reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_children(generator: Generator) -> None:
    """Pre-forking servers load the model first; a session's threads do not survive the fork."""
    expected = generator.sample(8, seed=3)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()

    def child() -> None:
        queue.put(generator.sample(8, seed=3))

    children = [context.Process(target=child, daemon=True) for _ in range(3)]
    for process in children:
        process.start()
    results = [queue.get(timeout=300) for _ in children]
    for process in children:
        process.join(timeout=300)
    assert all(np.array_equal(images, expected) for images in results)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    """Each says what it is that was given, in one line."""
    with pytest.raises(ModelError, match="no model file"):
        Generator(tmp_path / "absent.onnx")
    with pytest.raises(ModelError, match="is a directory"):
        Generator(tmp_path)
    for content in (b"", b"hello", b"\x08\x07" * 50):
        path = tmp_path / "broken.onnx"
        path.write_bytes(content)
        with pytest.raises(ModelError) as caught:
            Generator(path, device="cpu")
        assert "\n" not in str(caught.value)


def test_device_names(model_file: Path) -> None:
    """A typo must not mean the CPU."""
    for name in ("gpu", "cuda:", "cuda:x", "CPU", ""):
        with pytest.raises(InputError, match="device must be"):
            Generator(model_file, device=name)
    with pytest.raises(InputError, match="threads"):
        Generator(model_file, threads=0)


def test_cuda_never_falls_back_in_silence(model_file: Path) -> None:
    """Ten million samples overnight on a GPU must not run on the CPU because a driver is missing."""
    if nvidia_driver() is None:
        pytest.skip("this machine has a working NVIDIA driver")
    with pytest.raises(DeviceError, match="cuda does not work"):
        Generator(model_file, device="cuda")


def test_auto_falls_back_and_says_so_once(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver is there and CUDA does not work: ten million samples would run on the CPU unnoticed."""
    if CUDA not in load_onnxruntime().get_available_providers() or nvidia_driver() is None:
        pytest.skip("needs onnxruntime-gpu on a machine without a GPU")
    monkeypatch.setattr("dropgan.serve.providers._auto_fell_back", False)
    monkeypatch.setattr("dropgan.serve.providers.has_nvidia_driver", lambda: True)
    with pytest.warns(RuntimeWarning, match="samples on the CPU: "):
        assert Generator(model_file).provider == "CPUExecutionProvider"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Generator(model_file)


def test_auto_without_a_driver_is_the_cpu(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without an NVIDIA driver every command ended with a remark that nobody could mend."""
    monkeypatch.setattr("dropgan.serve.providers._auto_fell_back", False)
    monkeypatch.setattr("dropgan.serve.providers.has_nvidia_driver", lambda: False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Generator(model_file).provider == "CPUExecutionProvider"


@pytest.mark.gpu
def test_cuda(model_file: Path, generator: Generator) -> None:
    """On a GPU: the provider is CUDA, and pixels differ from the CPU's by a level at most."""
    if nvidia_driver() is not None or CUDA not in load_onnxruntime().get_available_providers():
        pytest.skip("no NVIDIA GPU that onnxruntime can use")
    cuda = Generator(model_file, device="cuda")
    assert cuda.provider == CUDA
    images = cuda.sample(1000, seed=1)
    assert np.abs(images.astype(int) - generator.sample(1000, seed=1)).max() <= 1
    assert np.array_equal(cuda.sample(10, seed=1, start=500), images[500:510])


def test_lock_is_not_held_while_sampling(generator: Generator) -> None:
    """Threads must not wait for each other beyond what the model needs."""
    with generator._session._lock:
        thread = threading.Thread(target=generator.sample, args=(1,))
        thread.start()
        thread.join(timeout=300)
        assert not thread.is_alive()
