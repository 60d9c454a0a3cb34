"""The arithmetic of the scores against implementations that share no code with them."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
from numpy.typing import NDArray

from dropgan.evaluate.distances import (
    FrechetDistance,
    frechet_distance,
    inception_score,
    kernel_distance,
)
from dropgan.evaluate.manifold import manifold_scores
from dropgan.evaluate.neighbours import nearest

Vectors = NDArray[np.float32]


def clouds(count: int = 600, dim: int = 16, shift: float = 0.5) -> tuple[Vectors, Vectors]:
    random = np.random.default_rng(7)
    mix = random.normal(size=(dim, dim))
    reals = random.normal(size=(count, dim)) @ mix
    fakes = 1.2 * random.normal(size=(count + 50, dim)) @ mix + shift
    return reals.astype(np.float32), fakes.astype(np.float32)


def with_matrix_root(reals: Vectors, fakes: Vectors) -> float:
    """The Fréchet distance by scipy's matrix square root, as pytorch-fid and torch-fidelity take it."""
    moments = [
        (part.mean(0), np.cov(part, rowvar=False)) for part in (reals.astype(float), fakes.astype(float))
    ]
    (mean, cov), (other_mean, other_cov) = moments
    root = scipy.linalg.sqrtm(cov @ other_cov).real
    return float(((mean - other_mean) ** 2).sum() + np.trace(cov + other_cov - 2 * root))


@pytest.mark.parametrize("dim", [2, 16, 64])
def test_frechet_distance_equals_the_matrix_root_formula(dim: int) -> None:
    """A score that other tools would not reproduce is of no use to anybody who compares papers."""
    reals, fakes = clouds(dim=dim)
    assert FrechetDistance(reals)(fakes) == pytest.approx(with_matrix_root(reals, fakes), rel=1e-6)


@pytest.mark.parametrize("peer", ["pytorch_fid.fid_score", "torch_fidelity.metric_fid"])
def test_frechet_distance_equals_that_of_the_peers(peer: str) -> None:
    """The same against the peers' own code, where it is installed."""
    module = pytest.importorskip(
        peer, reason=f"{peer} is not installed (it needs torchvision)", exc_type=ImportError
    )
    reals, fakes = clouds(dim=64)
    moments = [
        (part.mean(0), np.cov(part, rowvar=False)) for part in (reals.astype(float), fakes.astype(float))
    ]
    if peer.startswith("pytorch_fid"):
        expected = module.calculate_frechet_distance(*moments[0], *moments[1])
    else:
        statistics = [{"mu": mean, "sigma": cov} for mean, cov in moments]
        found = module.fid_statistics_to_metric(*statistics, verbose=False)
        expected = found[importlib.import_module("torch_fidelity.metric_fid").KEY_METRIC_FID]
    assert FrechetDistance(reals)(fakes) == pytest.approx(float(expected), rel=1e-6)


def test_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    """Heusel et al.'s formula for two known Gaussians: a unit or axis gone wrong would show."""
    random = np.random.default_rng(0)
    reals = random.normal(size=(200_000, 3)).astype(np.float32)
    fakes = (random.normal(size=(200_000, 3)) * [1, 2, 3] + [1, 0, 0]).astype(np.float32)
    assert FrechetDistance(reals)(fakes) == pytest.approx(1 + 0 + 1 + 4, rel=0.02)


def test_bootstrap_spread_is_that_of_fresh_samples() -> None:
    """A spread that is off by a factor would make noise look like progress."""
    random = np.random.default_rng(1)
    fresh = [
        FrechetDistance(random.normal(size=(1000, 8)).astype(np.float32))(
            random.normal(1, 1, size=(1000, 8)).astype(np.float32)
        )
        for _ in range(40)
    ]
    reals, fakes = random.normal(size=(1000, 8)), random.normal(1, 1, size=(1000, 8))
    _, spread = frechet_distance(reals.astype(np.float32), fakes.astype(np.float32))
    assert 0.5 < spread / np.std(fresh) < 2


def test_kernel_distance_equals_an_independent_estimate() -> None:
    """KID on one subset of everything is Binkowski et al.'s unbiased sum, written out."""
    reals, fakes = clouds(count=300)
    fakes = fakes[: len(reals)]
    x, y = reals.astype(float), fakes.astype(float)
    m, d = x.shape

    def kernel(a: Vectors, b: Vectors) -> Vectors:
        return (a @ b.T / d + 1) ** 3

    within = sum((kernel(z, z).sum() - np.trace(kernel(z, z))) / (m * (m - 1)) for z in (x, y))
    expected = within - 2 * kernel(x, y).mean()
    value, spread = kernel_distance(reals, fakes)
    assert value == pytest.approx(expected, rel=1e-9)
    assert spread == pytest.approx(0, abs=1e-9)


def test_kernel_distance_is_unbiased() -> None:
    """Two samples of one distribution must not look different because they are small."""
    random = np.random.default_rng(2)
    values = [
        kernel_distance(random.normal(size=(100, 8)).astype("f"), random.normal(size=(100, 8)).astype("f"))[0]
        for _ in range(60)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def test_inception_score_equals_its_definition_and_its_limits() -> None:
    """1 for a network that always says the same, the number of classes for clear and even classes."""
    even = np.tile(np.eye(10, dtype=np.float32) * 50, (100, 1))
    assert inception_score(even)[0] == pytest.approx(10, rel=0.05)
    assert inception_score(np.zeros((100, 10), np.float32))[0] == pytest.approx(1)
    logits = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    parts = inception_score(np.repeat(logits, 500, axis=0))  # each split then has nearly all rows alike
    divergence = (probability * (np.log(probability) - np.log(probability.mean(0)))).sum(1).mean()
    assert parts[0] == pytest.approx(np.exp(divergence), rel=5e-3)


def test_scores_do_not_touch_the_global_random_state() -> None:
    """Scoring during training must not change what training draws next."""
    import torch

    reals, fakes = clouds(count=50)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = kernel_distance(reals, fakes)
    inception_score(fakes)
    assert torch.equal(torch.rand(4), expected)
    assert kernel_distance(reals, fakes) == first


def naive_manifold(reals: Vectors, fakes: Vectors, k: int) -> tuple[float, float, float, float]:
    """Precision, recall, density, coverage by loops over the papers' definitions."""

    def ball(points: Vectors, index: int) -> float:
        return sorted(float(np.linalg.norm(points[index] - other)) for other in points)[k]

    x, y = reals.astype(float), fakes.astype(float)
    real_balls = [ball(x, index) for index in range(len(x))]
    fake_balls = [ball(y, index) for index in range(len(y))]
    inside = [[np.linalg.norm(x[i] - y[j]) < real_balls[i] for j in range(len(y))] for i in range(len(x))]
    recalled = [
        any(np.linalg.norm(x[i] - y[j]) < fake_balls[j] for j in range(len(y))) for i in range(len(x))
    ]
    hits = np.array(inside)
    return hits.any(0).mean(), float(np.mean(recalled)), hits.sum() / (k * len(y)), hits.any(1).mean()


def test_manifold_scores_equal_the_definitions() -> None:
    """Written out with loops: a strict or loose edge, or k off by one, would show."""
    reals, fakes = clouds(count=90, dim=3)
    found = manifold_scores(reals, fakes, k=4)
    values = (found.precision[0], found.recall[0], found.density[0], found.coverage[0])
    assert values == pytest.approx(naive_manifold(reals, fakes, 4), rel=1e-12)


def test_density_and_coverage_have_the_published_expectation() -> None:
    """Naeem et al., ICML 2020, section 3: 1, and 1 - (n-1)...(n-k) / (2n-1)...(2n-k) for two samples
    of n of one distribution."""
    random = np.random.default_rng(0)
    n, k = 2000, 5
    found = manifold_scores(
        random.normal(size=(n, 6)).astype("f"), random.normal(size=(n, 6)).astype("f"), k=k
    )
    missed = np.prod([(n - step) / (2 * n - step) for step in range(1, k + 1)])
    assert found.coverage[0] == pytest.approx(1 - missed, abs=3 * found.coverage[1])
    assert found.density[0] == pytest.approx(1, abs=0.05)


def test_nearest_finds_equal_vectors_at_no_distance() -> None:
    """A memorised image far from the origin must be found at distance 0, not at rounding's."""
    random = np.random.default_rng(0)
    points = (1000 + random.normal(size=(1200, 64))).astype(np.float32)
    distances, rows = nearest(points[::7], points, 2)
    assert (rows[:, 0] == np.arange(0, 1200, 7)).all()
    assert distances[:, 0].max() < 1e-3 * distances[:, 1].min()


def test_an_export_without_scores_waits_for_no_library_of_scores() -> None:
    """Two seconds of every command that touches a run."""
    code = "import sys, dropgan.evaluate; print({'scipy', 'matplotlib', 'torchmetrics'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
