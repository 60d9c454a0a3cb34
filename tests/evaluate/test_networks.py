"""The tests that need gradients, on networks whose answers are known on paper."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dropgan.evaluate.attacks import ROUNDS, attack
from dropgan.evaluate.discriminator import discriminator_gap
from dropgan.evaluate.networks import _Rounds
from dropgan.evaluate.recovery import compare_recovery, permutation_p, recover
from dropgan.evaluate.sensitivity import generator_sensitivity, spectral_norms
from dropgan.evaluate.train_mode import has_dropout, train_mode_samples
from dropgan.serve.reporter import Progress, Reporter
from dropgan.train import load_generator, load_networks


class LinearGenerator(nn.Module):
    """A x, as images of 4x4 pixels: the Jacobian is A everywhere."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix)

    def forward(self, latents: Tensor) -> Tensor:
        return (latents @ self.matrix.T).view(-1, 1, 4, 4)


class LinearDiscriminator(nn.Module):
    """w.x + b: the smallest flipping change of each pixel is |logit| / |w|_1."""

    def __init__(self, weight: Tensor, bias: float) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight[:, None] + self.bias


class Memorised(nn.Module):
    """A generator that blends the images it was given, so that it draws those and no others."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.images = images.flatten(1)
        self.shape = images.shape[1:]

    def forward(self, latents: Tensor) -> Tensor:
        return ((3 * latents).softmax(1) @ self.images).view(-1, *self.shape)


def test_spectral_norm_is_the_largest_singular_value() -> None:
    """Power iteration against torch's own decomposition."""
    matrix = torch.randn(16, 6, generator=torch.Generator().manual_seed(0))
    found = spectral_norms(LinearGenerator(matrix), torch.randn(5, 6))
    assert found.tolist() == pytest.approx([float(torch.linalg.matrix_norm(matrix, 2))] * 5, rel=1e-3)


def test_gradient_ascent_finds_the_worst_direction() -> None:
    """For a linear generator the worst step is along the first singular vector, known exactly."""
    matrix = torch.diag(torch.tensor([0.5, 0.1, 0.1, 0.1])).repeat(4, 1)
    latents = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    found = generator_sensitivity(LinearGenerator(matrix), latents, radius=0.1).sensitivity
    length = 0.1 * math.sqrt(4)
    assert found.worst == pytest.approx(float(0.5 * math.sqrt(4) * length / math.sqrt(16) * 127.5), rel=0.01)
    assert 1.5 < found.ratio < 5


@pytest.mark.parametrize("method", ["fgsm", "pgd"])
@pytest.mark.parametrize("real", [True, False])
def test_the_smallest_flipping_change_is_found(method: str, real: bool) -> None:
    """For a linear discriminator it has a closed form; the bisection must come to it, not past it."""
    weight = torch.tensor([1.0, -2.0, 0.5, 0.5] * 4)
    sign = 1.0 if real else -1.0
    discriminator = LinearDiscriminator(weight, bias=sign * 2.0)
    found = attack(discriminator, torch.zeros(6, 1, 4, 4), real=real, method=method)
    assert found.attacked == 6
    assert found.flipped == 1
    assert found.median_levels == pytest.approx(2.0 / 16 * 127.5, rel=0.05)


@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_each_image_is_searched_by_itself(method: str) -> None:
    """An image that flips at once must not end the search for those that hold out longer, and the user sees
    that it goes on."""
    logits = torch.tensor([0.1, 3.0, 1.0])
    images = (logits / 16)[:, None, None, None].expand(3, 1, 4, 4)
    rounds: list[int] = []
    judge = LinearDiscriminator(torch.ones(16), 0.0)
    found = attack(judge, images, real=True, method=method, after_round=lambda: rounds.append(1))
    assert (found.attacked, found.flipped) == (3, 1.0)
    assert found.median_levels == pytest.approx(1.0 / 16 * 127.5, rel=0.05)
    assert 5 < len(rounds) <= ROUNDS


def test_a_search_that_ends_early_is_shown_as_done() -> None:
    """A bar that stops at 49 of 52 looks like a search that was given up."""
    shown: list[Progress] = []
    rounds = _Rounds(Reporter(progress=shown.append), 52)
    rounds.one_more()
    rounds.finish()
    assert [(at.done, at.total) for at in shown] == [(1, 52), (52, 52)]


def test_what_was_judged_wrongly_is_not_attacked() -> None:
    """A discriminator that calls everything generated has no right verdict on real images to flip."""
    found = attack(
        LinearDiscriminator(torch.ones(16), -5.0), torch.zeros(3, 1, 4, 4), real=True, method="pgd"
    )
    assert (found.attacked, found.flipped) == (0, 0.0)


def test_a_verdict_that_cannot_flip_counts_as_the_limit() -> None:
    """A discriminator without gradient must not look fragile."""
    found = attack(
        LinearDiscriminator(torch.zeros(16), 1.0), torch.zeros(3, 1, 4, 4), real=True, method="fgsm"
    )
    assert (found.flipped, found.median_levels) == (0.0, 64.0)


def test_recovery_tells_a_memoriser_from_an_honest_generator() -> None:
    """The gap must be near 1 for a generator that stores its images, and insignificant for one that
    treats both kinds alike."""
    random = np.random.default_rng(0)
    mine, other = (random.integers(0, 256, (12, 4, 4, 1)).astype(np.uint8) for _ in range(2))
    stored = torch.from_numpy(mine).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    memorised = compare_recovery(Memorised(stored), mine, other, 12, steps=150).recovery
    assert memorised.gap > 0.9
    assert memorised.p_value < 0.01
    honest = compare_recovery(
        LinearGenerator(0.3 * torch.randn(16, 6, generator=torch.Generator().manual_seed(1))),
        mine,
        other,
        6,
    ).recovery
    assert abs(honest.gap) < 0.3
    assert honest.p_value > 0.01


def test_recovery_finds_the_least_squares_latent() -> None:
    """For a linear generator the best error is known: the search must reach it."""
    matrix = 0.3 * torch.randn(16, 6, generator=torch.Generator().manual_seed(2))
    images = np.random.default_rng(3).integers(60, 200, (4, 4, 4, 1)).astype(np.uint8)
    targets = torch.from_numpy(images.reshape(4, 16)).float().div(127.5).sub(1)
    solution = torch.linalg.lstsq(matrix, targets.T).solution
    best = ((matrix @ solution).T - targets).square().mean(1) * 127.5**2
    errors, _ = recover(LinearGenerator(matrix), images, 6, steps=400)
    assert errors.tolist() == pytest.approx(best.tolist(), rel=0.02)


def test_permutation_test_is_neither_blind_nor_eager() -> None:
    """p is uniform where there is nothing, and tiny where there is something."""
    random = np.random.default_rng(0)
    assert permutation_p(random.normal(size=50), random.normal(2, 1, size=50)) < 1e-3
    chance = [permutation_p(random.normal(size=20), random.normal(size=20), seed=n) for n in range(40)]
    assert 0.3 < np.mean(chance) < 0.7


def test_an_overfitted_discriminator_is_seen() -> None:
    """One that knows its training images by heart, and one that knows nothing."""
    random = np.random.default_rng(0)
    mine, other, made = (random.integers(0, 256, (60, 4, 4, 1)).astype(np.uint8) for _ in range(3))

    class ByHeart(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            stored = torch.from_numpy(mine).permute(0, 3, 1, 2).float().div(127.5).sub(1)
            return 1 - torch.cdist(images.flatten(1), stored.flatten(1)).min(1, keepdim=True).values

    seen = discriminator_gap(ByHeart(), mine, other, made)
    assert seen.knows_training == 1
    assert seen.overfitting == pytest.approx(1, abs=0.15)
    blind = discriminator_gap(LinearDiscriminator(torch.zeros(16), 0.0), mine, other, made)
    assert (blind.knows_training, blind.overfitting) == (0.5, 0.0)


def test_train_mode_differs_and_leaves_the_generator_in_eval_mode(tiny_run: Path) -> None:
    """The gap beside the deployed score must really come from dropout, and must not leak into it."""
    generator = load_generator(tiny_run).module
    assert has_dropout(generator)
    latents = np.random.default_rng(0).normal(size=(20, 100)).astype(np.float32)
    with torch.no_grad():
        before = generator(torch.from_numpy(latents))
    noisy = train_mode_samples(generator, latents)
    with torch.no_grad():
        after = generator(torch.from_numpy(latents))
    assert torch.equal(before, after)
    assert not any(module.training for module in generator.modules())
    deployed = (before * 127.5 + 127.5).round().permute(0, 2, 3, 1).numpy()
    assert np.abs(noisy - deployed).mean() > 1
    assert (train_mode_samples(generator, latents) == noisy).all()


def test_load_networks_gives_the_discriminator_that_was_trained(tiny_run: Path) -> None:
    """An untrained discriminator would make every gradient-based test meaningless."""
    from safetensors.torch import load_file

    networks = load_networks(tiny_run)
    kept = load_file(tiny_run / "checkpoints" / "last.safetensors")
    for name, weight in networks.discriminator.state_dict().items():
        assert torch.equal(weight, kept[f"discriminator/{name}"])
    assert not networks.discriminator.training
