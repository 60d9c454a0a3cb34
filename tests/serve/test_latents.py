"""The latent stream beside its golden vectors: independence and distribution."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dropgan.serve import InputError, LatentStream


@pytest.mark.parametrize("dim", [1, 2, 7, 8, 9, 64, 100])
def test_equal_bits_for_any_cut(dim: int) -> None:
    """Vector instructions treat the end of an array differently; no latent may depend on it."""
    stream = LatentStream(dim)
    whole = stream(700, seed=5, start=123)
    random = np.random.default_rng(dim)
    for _ in range(60):
        first = int(random.integers(0, 699))
        count = int(random.integers(1, 700 - first))
        part = stream(count, seed=5, start=123 + first)
        assert part.tobytes() == whole[first : first + count].tobytes()


def test_no_two_samples_or_seeds_share_words() -> None:
    """Overlapping streams would show as repeated values."""
    values = np.concatenate([LatentStream(9)(2000, seed=seed).ravel() for seed in (0, 1, 2)])
    assert len(np.unique(values)) > 0.998 * len(values)  # 2**23 uniforms: some chance repeats


def test_standard_normal() -> None:
    """Moments and tails of a million draws, and no correlation between the two of a pair."""
    values = LatentStream(100)(10_000, seed=1).astype(np.float64)
    flat = values.ravel()
    assert abs(flat.mean()) < 5e-3
    assert abs(flat.std() - 1) < 5e-3
    assert abs((flat**4).mean() - 3) < 0.05
    assert 4.2 < np.abs(flat).max() < 5.8
    correlation = np.corrcoef(values.T) - np.eye(100)
    assert np.abs(correlation).max() < 0.06


def test_shared_between_threads_and_pickled() -> None:
    """Each thread has a generator state of its own."""
    stream = LatentStream(16)
    expected = stream(4000, seed=2)
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda place: stream(100, seed=2, start=100 * place), range(40)))
    assert np.array_equal(np.concatenate(parts), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(stream))(4000, seed=2), expected)


def test_limits() -> None:
    """The largest seed and index work; beyond them is an error, not a wrap."""
    stream = LatentStream(3)
    assert np.isfinite(stream(2, seed=2**64 - 1, start=2**60 - 2)).all()
    for wrong in ({"seed": 2**64}, {"seed": -1}, {"seed": 0, "start": 2**60}):
        with pytest.raises(InputError):
            stream(1, **wrong)
    with pytest.raises(InputError):
        LatentStream(0)
