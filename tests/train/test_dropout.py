"""Dropout: what is kept, how it is scaled, and that nothing happens at inference."""

import pytest
import torch

from dropgan.train.networks.dropout import ChannelDropout, Dropout


@pytest.mark.parametrize("p", [0.05, 0.2, 0.5, 0.9])
def test_keeps_a_unit_with_probability_one_minus_p(p: float) -> None:
    """The article had it the other way round; then p = 0.1 would drop nine units of ten."""
    torch.manual_seed(0)
    count = 1_000_000
    kept = (Dropout(p)(torch.ones(count)) != 0).float().mean().item()
    deviation = (p * (1 - p) / count) ** 0.5
    assert abs(kept - (1 - p)) < 5 * deviation + 2**-16


@pytest.mark.parametrize("p", [0.1, 1 / 3, 0.5])
def test_expectation_is_the_input(p: float) -> None:
    """Inverted dropout: without the scale the deployed network would see larger activations."""
    torch.manual_seed(1)
    values = torch.tensor([0.5, -2.0, 3.0]).expand(400_000, 3)
    mean = Dropout(p)(values).mean(0)
    torch.testing.assert_close(mean, values[0], rtol=0.01, atol=0)


def test_kept_units_are_scaled_and_independent_of_each_other() -> None:
    """Four units share one random word: their masks must not be correlated all the same."""
    torch.manual_seed(2)
    out = Dropout(0.5)(torch.ones(100_000, 4))
    assert set(out.unique().tolist()) == {0.0, 2.0}
    correlation = torch.corrcoef(out.T) - torch.eye(4)
    assert correlation.abs().max() < 0.02


def test_mask_is_drawn_anew_and_gradient_goes_where_it_went() -> None:
    """A repeated mask would train one subnetwork; a gradient through dropped units would train noise."""
    torch.manual_seed(3)
    layer = Dropout(0.5)
    inputs = torch.ones(1000, requires_grad=True)
    first, second = layer(inputs), layer(inputs)
    assert not torch.equal(first, second)
    first.sum().backward()
    torch.testing.assert_close(inputs.grad, first.detach())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 3, 7)])
def test_shape_and_type_stay(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Sizes that are no multiple of four, and bf16 under autocast."""
    out = Dropout(0.25)(torch.ones(shape, dtype=dtype))
    assert out.shape == shape
    assert out.dtype == dtype


def test_identity_in_eval_mode_and_at_p_zero() -> None:
    """The deployed network must not drop anything."""
    inputs = torch.randn(64)
    assert torch.equal(Dropout(0.5).eval()(inputs), inputs)
    assert torch.equal(Dropout(0.0)(inputs), inputs)


def test_same_seed_gives_the_same_masks() -> None:
    """Exact resume rests on it."""
    torch.manual_seed(4)
    first = Dropout(0.5)(torch.ones(100))
    torch.manual_seed(4)
    assert torch.equal(Dropout(0.5)(torch.ones(100)), first)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("p", [0.05, 0.1, 0.3, 0.6])
def test_expectation_holds_in_short_types(p: float, dtype: torch.dtype) -> None:
    """A scale that is rounded alone makes training's activations differ from the deployed ones, by 0.2 % a
    layer."""
    torch.manual_seed(5)
    count = 4_000_000
    for made in (
        Dropout(p)(torch.ones(count, dtype=dtype)),
        ChannelDropout(p)(torch.ones(1, count, dtype=dtype)),
    ):
        error = (p / (1 - p) / count) ** 0.5
        assert abs(made.double().mean().item() - 1) < 4 * error + 2**-16
        assert (made == 0).double().mean().item() == pytest.approx(p, abs=0.004)
