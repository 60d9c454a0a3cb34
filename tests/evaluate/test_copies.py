"""The test for copies: how often honest samples are accused, and what is found."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from dropgan.evaluate.aligned import AlignedPixels
from dropgan.evaluate.chance import even_p_value, share_bounds
from dropgan.evaluate.copies import ERROR_RATE, CopyTest, copy_test
from dropgan.evaluate.memorisation import neighbour_test
from dropgan.train import load_images

Rows = NDArray[np.float32]


def _rows(count: int, seed: int, columns: int = 6) -> Rows:
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(count, columns)) @ np.random.default_rng(5).normal(size=(columns, columns))
    return mixed.astype(np.float32)


@pytest.mark.parametrize("counts", [(3, 100), (200, 1000), (5, 5), (0, 10), (520, 1000)])
def test_chances_are_scipys(counts: tuple[int, int]) -> None:
    """Whoever is accused must be able to rely on the probability that is named."""
    test = stats.binomtest(*counts, alternative="greater")
    assert even_p_value(*counts) == pytest.approx(test.pvalue, rel=1e-9)
    interval = stats.binomtest(*counts).proportion_ci(0.9, "exact")
    assert share_bounds(*counts) == pytest.approx((interval.low, interval.high), abs=1e-9)


@pytest.mark.parametrize("training", [50, 100, 1000])
def test_honest_rows_are_not_accused(training: int) -> None:
    """Of 40 honest models of rows, all of 50 rows were called copiers once."""
    accused = [
        copy_test(_rows(1000, 2 * seed), _rows(training, 2 * seed + 1), space="rows", seed=seed)
        for seed in range(40)
    ]
    assert sum(test.p_value < ERROR_RATE for test in accused) <= 1
    assert all(test.can_tell for test in accused)


@pytest.mark.parametrize(("training", "share"), [(50, 0.3), (200, 0.1), (5000, 0.03)])
def test_copied_rows_are_found_and_counted(training: int, share: float) -> None:
    """Rows that are repeated but for rounding leak the training data, few as they may be."""
    reals, samples = _rows(training, 1), _rows(1000, 2)
    count = round(share * 1000)
    samples[:count] = reals[np.random.default_rng(3).integers(0, training, count)] + 1e-4
    found = copy_test(samples, reals, space="rows")
    assert found.p_value < ERROR_RATE
    assert found.at_least < share < found.at_most
    assert found.copied == pytest.approx(share, abs=0.02)
    assert found.detectable < share


def test_equal_rows_are_no_evidence() -> None:
    """In a table of a few whole numbers every sample equals a training row, honestly."""
    random = np.random.default_rng(0)
    reals, samples = (random.integers(0, 4, (500, 3)).astype(np.float32) for _ in range(2))
    found = copy_test(samples, reals, space="rows")
    assert not found.can_tell
    assert found.p_value == 1
    assert not copy_test(_rows(100, 1), _rows(10, 2), space="rows").can_tell


def _moved(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.roll(images, 1, axis=1)


def _mirrored(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return images[:, :, ::-1]


def _dimmed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(4).normal(0, 6, images.shape)
    return np.clip(images * 0.7 + 20 + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def look() -> Callable[[NDArray[np.uint8]], CopyTest]:
    """The test in aligned pixels, against 1,000 training images."""
    training = load_images("fashion-mnist-10k").images[:1000]
    aligned = AlignedPixels(training)

    def looked(samples: NDArray[np.uint8]) -> CopyTest:
        return copy_test(
            aligned.variants(samples),
            aligned.points(training),
            space=aligned.name,
            variants=lambda rows: aligned.variants(training[rows]),
        )

    return looked


@pytest.mark.parametrize("change", [None, _moved, _mirrored, _dimmed])
def test_changed_copies_of_images_are_found(
    look: Callable[[NDArray[np.uint8]], CopyTest],
    change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None,
) -> None:
    """A copy that is moved by a pixel, mirrored, or dimmed and noisy is one; unseen images are not."""
    images = load_images("fashion-mnist-10k").images
    fresh = images[5000:5500].copy()
    assert look(fresh).p_value > ERROR_RATE
    copies = images[:100]
    fresh[:100] = copies if change is None else change(copies)
    found = look(fresh)
    assert found.p_value < ERROR_RATE
    assert found.copied == pytest.approx(0.2, abs=0.04)


def test_leaning_counts_neighbours_not_samples() -> None:
    """A collapsed generator has one neighbour: 1,000 samples beside it are one coin, not a thousand."""
    training, held_out = _rows(300, 1), _rows(300, 2)
    collapsed = np.repeat(training[:1] + 0.05, 1000, axis=0)
    assert neighbour_test(collapsed, training, held_out, space="rows").p_value > 0.3
    leaning = np.repeat(training, 3, axis=0) + 0.3 * _rows(900, 3)
    assert neighbour_test(leaning, training, held_out, space="rows").p_value < 0.001


def test_held_out_rows_given_twice_accuse_nobody() -> None:
    """Duplicated held-out rows left fewer places to be near to, and an honest model was accused."""
    for seed in range(10):
        samples, training, held_out = (_rows(1000, 3 * seed + place) for place in range(3))
        found = neighbour_test(
            samples, training, np.repeat(held_out[:250], 4, axis=0), space="rows", seed=seed
        )
        assert 0.4 < found.nearer_to_training < 0.6
