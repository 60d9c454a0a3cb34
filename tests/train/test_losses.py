"""Losses and penalties against closed forms and torch's own."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from dropgan.train.networks.dropout import Dropout
from dropgan.train.objective.losses import LOSSES, Loss
from dropgan.train.objective.penalties import approximate_r1_penalty, r1_penalty


def discriminator_loss(
    real: Tensor, generated: Tensor, name: str = "non-saturating", label_smoothing: float = 0.0
) -> Tensor:
    return LOSSES[name].discriminator(real, generated, label_smoothing)


def generator_loss(generated: Tensor, name: str = "non-saturating", real: Tensor | None = None) -> Tensor:
    def on_real() -> Tensor:
        assert real is not None, f"{name} must not make a pass that it does not need"
        return real

    return LOSSES[name].generator(generated, on_real)


def test_losses_are_binary_cross_entropy() -> None:
    """A wrong sign or label would train the networks towards the opposite."""
    real, fake = torch.randn(64, 1) * 4, torch.randn(64, 1) * 4
    one, zero = torch.ones(64, 1), torch.zeros(64, 1)
    expected = binary_cross_entropy_with_logits(real, one) + binary_cross_entropy_with_logits(fake, zero)
    torch.testing.assert_close(discriminator_loss(real, fake), expected)
    torch.testing.assert_close(generator_loss(fake), binary_cross_entropy_with_logits(fake, one))


def test_losses_of_an_undecided_discriminator() -> None:
    """Closed form: log 2 for each of the three terms."""
    zero = torch.zeros(8, 1)
    assert discriminator_loss(zero, zero).item() == pytest.approx(2 * math.log(2))
    assert generator_loss(zero).item() == pytest.approx(math.log(2))


def test_losses_stay_finite_at_extreme_logits() -> None:
    """log(sigmoid(x)) written naively is infinite at -200, and one such batch ruins a run."""
    far = torch.full((4, 1), 200.0, requires_grad=True)
    loss = discriminator_loss(-far, far) + generator_loss(-far)
    loss.backward()
    assert loss.item() == pytest.approx(600)
    assert far.grad is not None
    assert torch.isfinite(far.grad).all()


def test_hinge_and_wasserstein_by_hand() -> None:
    """Wrong signs would train both networks towards the opposite."""
    real, fake = torch.tensor([[2.0], [0.5]]), torch.tensor([[-3.0], [0.0]])
    # hinge: (max(0, 1 - 2) + max(0, 1 - 0.5)) / 2 + (max(0, 1 - 3) + max(0, 1 + 0)) / 2
    assert discriminator_loss(real, fake, "hinge").item() == pytest.approx(0.25 + 0.5)
    assert discriminator_loss(real, fake, "wasserstein").item() == pytest.approx(-1.5 - 1.25)
    assert generator_loss(fake, "hinge").item() == pytest.approx(1.5)
    assert generator_loss(fake, "wasserstein").item() == pytest.approx(1.5)


def test_margin_by_hand() -> None:
    """Lengths 0.9 and 0.1 are far enough; between them real samples count twice as much."""
    real, fake = (torch.tensor(lengths).logit()[:, None] for lengths in ([0.95, 0.5], [0.05, 0.4]))
    # ((0.9 - 0.5)^2) / 2 + 0.5 ((0.4 - 0.1)^2) / 2
    assert discriminator_loss(real, fake, "margin").item() == pytest.approx(0.08 + 0.0225)
    # ((0.9 - 0.05)^2 + (0.9 - 0.4)^2) / 2
    assert generator_loss(fake, "margin").item() == pytest.approx((0.7225 + 0.25) / 2)


def test_minimax_saturates_where_non_saturating_does_not() -> None:
    """log(1 - D) has no slope where the discriminator is sure; both push the logit up."""
    logits = torch.tensor([[-8.0]], requires_grad=True)
    probability = logits.detach().sigmoid()
    torch.testing.assert_close(generator_loss(logits, "minimax").detach(), (1 - probability).log().mean())
    (minimax,) = torch.autograd.grad(generator_loss(logits, "minimax"), logits)
    (usual,) = torch.autograd.grad(generator_loss(logits), logits)
    assert -1e-3 < minimax.item() < 0
    assert usual.item() < -0.99
    zero = torch.zeros(3, 1)
    assert discriminator_loss(zero, zero, "minimax") == discriminator_loss(zero, zero)


def test_label_smoothing_is_of_the_real_side_alone() -> None:
    """A smoothed target of generated images would praise the generator for what it does already."""
    real, fake = torch.randn(64, 1) * 4, torch.randn(64, 1) * 4
    expected = binary_cross_entropy_with_logits(real, torch.full((64, 1), 0.9))
    expected = expected + binary_cross_entropy_with_logits(fake, torch.zeros(64, 1))
    torch.testing.assert_close(discriminator_loss(real, fake, label_smoothing=0.1), expected)


def test_relativistic_is_cross_entropy_of_pairs() -> None:
    """Which of the two is the real one: row by row, not of the mean, and each network against the other."""
    real, fake = torch.randn(64, 1) * 4, torch.randn(64, 1) * 4
    expected = binary_cross_entropy_with_logits(real - fake, torch.ones(64, 1))
    torch.testing.assert_close(discriminator_loss(real, fake, "relativistic"), expected)
    expected = binary_cross_entropy_with_logits(fake - real, torch.ones(64, 1))
    torch.testing.assert_close(generator_loss(fake, "relativistic", real), expected)
    shifted = discriminator_loss(real + 7, fake + 7, "relativistic")
    torch.testing.assert_close(shifted, discriminator_loss(real, fake, "relativistic"))


@pytest.mark.parametrize(
    ("name", "correct"),
    [
        ("non-saturating", [2, 3]),
        ("minimax", [2, 3]),
        ("hinge", [2, 3]),
        ("relativistic", [3, 3]),
        ("margin", [2, 3]),
    ],
)
def test_what_the_discriminator_is_right_about(name: str, correct: list[int]) -> None:
    """Accuracies and the warning of a discriminator that has won come from it; a logit of 0 is undecided."""
    real = torch.tensor([[2.0], [0.5], [-1.0], [0.0]])
    fake = torch.tensor([[-3.0], [0.0], [-2.0], [0.1]])
    assert LOSSES[name].correct(real, fake).tolist() == correct


@pytest.mark.parametrize("loss", list(LOSSES), ids=lambda loss: loss.name)
def test_a_generator_has_lost_where_its_gradient_is_gone(loss: Loss) -> None:
    """Generated logits 5 below what they should be; a wrong bound would warn of a good run, or never."""
    logits = [torch.full((4, 1), -value) for value in (4.9, 5.1)]
    before, after = (loss.generator(logit, lambda: torch.zeros(4, 1)).item() for logit in logits)
    if loss.tells_right_from_wrong:
        assert before < loss.lost_from < after
    else:
        assert loss.lost_from == math.inf


def test_r1_of_a_linear_discriminator() -> None:
    """The gradient of w.x is w everywhere: the penalty is |w|^2 / 2 whatever the images."""
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(12, 1))
    weight = discriminator[1].weight
    penalty = r1_penalty(discriminator, torch.randn(5, 3, 2, 2))
    torch.testing.assert_close(penalty, weight.square().sum() / 2)
    penalty.backward()
    torch.testing.assert_close(weight.grad, weight.detach())


def test_r1_against_finite_differences() -> None:
    """On a curved discriminator the penalty is the squared slope, per image."""
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    images, step = torch.randn(4, 3, dtype=torch.float64), 1e-6
    slopes = torch.stack(
        [
            (discriminator(images + step * axis) - discriminator(images - step * axis))[:, 0] / (2 * step)
            for axis in torch.eye(3, dtype=torch.float64)
        ],
        dim=1,
    )
    expected = slopes.square().sum(1).mean() / 2
    reals = images.requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(reals).sum(), reals, create_graph=True)
    torch.testing.assert_close(gradient.square().sum(1).mean() / 2, expected, rtol=1e-6, atol=1e-9)
    float_net = discriminator.float()
    torch.testing.assert_close(
        r1_penalty(float_net, images.detach().float()), expected.float(), rtol=1e-4, atol=1e-6
    )


def test_approximate_r1_approximates_r1() -> None:
    """Twice the weight over the square of the noise is R1's; of a linear discriminator on average exactly."""
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
    images, noise = torch.randn(20_000, 6), 0.01
    penalty = approximate_r1_penalty(discriminator, images, noise) / noise**2 / 2
    torch.testing.assert_close(penalty, r1_penalty(discriminator, images), rtol=0.05, atol=0)
    penalty.backward()
    approximate = discriminator[0].weight.grad.clone()
    discriminator.zero_grad()
    r1_penalty(discriminator, images).backward()
    torch.testing.assert_close(approximate, discriminator[0].weight.grad, rtol=0.1, atol=1e-3)


def test_approximate_r1_is_of_the_samples_and_not_of_the_masks() -> None:
    """Two passes with other masks differ by far more than the noise makes them: dropout itself would be
    punished."""
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(6, 32), Dropout(0.5), nn.Linear(32, 1))
    with torch.autocast("cpu", torch.bfloat16):  # whose steps are as large as the differences
        penalty = approximate_r1_penalty(discriminator, torch.randn(4000, 6), 0.01) / 1e-4 / 2
    masked = discriminator[2].weight * 2  # what is kept is scaled by 2, with a chance of 1 / 2
    both = discriminator[0].weight.square().sum(1) * masked.square()[0] / 4  # E of products of two units
    products = discriminator[0].weight @ discriminator[0].weight.T * (masked.T @ masked) / 4
    expected = (products.sum() + both.sum()) / 2
    torch.testing.assert_close(penalty, expected, rtol=0.1, atol=0)
    random = torch.get_rng_state()
    approximate_r1_penalty(discriminator, torch.randn(4, 6), 0.01)
    assert not torch.equal(random, torch.get_rng_state()), "the next masks are others"
