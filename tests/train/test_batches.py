"""The order of the data."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dropgan.train.data.batches import Batches
from dropgan.train.data.memory import available_memory

CPU = torch.device("cpu")


def _numbered(count: int) -> np.ndarray:
    images = np.zeros((count, 4, 4, 1), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(count)
    return images


def _numbers(batch: torch.Tensor) -> list[int]:
    return ((batch[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_every_image_once_an_epoch_across_batch_borders() -> None:
    """Images left out at the end of each epoch would never be learnt in a small data set."""
    batches = Batches(_numbered(10), 4, seed=0, device=CPU)
    seen = [number for step in range(5) for number in _numbers(batches(step).samples)]
    assert sorted(seen[:10]) == list(range(10))
    assert sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    """A resumed run must see the batches that the uninterrupted one would have seen."""
    one = Batches(_numbered(50), 16, seed=7, device=CPU)
    for step in range(20):
        one(step)
    other = Batches(_numbered(50), 16, seed=7, device=CPU)
    assert torch.equal(one(13).samples, other(13).samples)
    assert _numbers(other(13).samples) != _numbers(Batches(_numbered(50), 16, seed=8, device=CPU)(13).samples)


def test_fewer_images_than_a_batch() -> None:
    """Ten pictures and a batch of 25 must work, each picture two or three times."""
    numbers = _numbers(Batches(_numbered(10), 25, seed=0, device=CPU)(0).samples)
    assert len(numbers) == 25
    assert all(2 <= numbers.count(number) <= 3 for number in range(10))


def test_scaled_to_the_range_of_tanh_and_channels_first() -> None:
    """Data on [0, 1] against a generator on [-1, 1] was one of the article's mistakes."""
    images = np.zeros((2, 4, 5, 3), dtype=np.uint8)
    images[:, 1, 2, :] = (0, 127, 255)
    batch = Batches(images, 2, seed=0, device=CPU)(0).samples
    assert batch.shape == (2, 3, 4, 5)
    assert batch.dtype == torch.float32
    torch.testing.assert_close(batch[0, :, 1, 2], torch.tensor([-1.0, 127 / 127.5 - 1, 1.0]))


def test_labels_stay_with_their_images() -> None:
    """A label that strays trains the generator to make shoes when asked for shirts."""
    labels = np.arange(10, dtype=np.int64) * 3
    batches = Batches(_numbered(10), 4, seed=0, device=CPU, labels=labels)
    for step in range(5):
        samples, given = batches(step)
        assert given is not None
        assert [number * 3 for number in _numbers(samples)] == given.tolist()


@pytest.mark.parametrize("channels", [1, 3])
def test_data_larger_than_memory_give_the_same_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int
) -> None:
    """A set that does not fit is read from its file, in the same order, to the same pixels."""
    images = np.random.default_rng(0).integers(0, 256, (50, 5, 4, channels), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    labels = np.arange(50)
    small = Batches(images, 16, seed=3, device=CPU, labels=labels)
    monkeypatch.setattr("dropgan.train.data.stored.available_memory", lambda: images.nbytes)
    large = Batches(mapped, 16, seed=3, device=CPU, labels=labels)
    for step in (0, 1, 2, 3, 4, 9, 10, 2):  # in turn, across epochs, and after a jump
        one, other = small(step), large(step)
        assert torch.equal(one.samples, other.samples)
        assert one.labels is not None
        assert other.labels is not None
        assert torch.equal(one.labels, other.labels)


def test_memory_that_is_left() -> None:
    """Half of an impossible number would copy 100 GB into 16."""
    assert 2**24 < available_memory() < 2**50
