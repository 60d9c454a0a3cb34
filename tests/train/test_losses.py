"""Losses and penalties against closed forms and torch's own."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from dropgan.train.objective.losses import discriminator_loss, generator_loss
from dropgan.train.objective.penalties import r1_penalty


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
