"""The generator's update in one stage: the gradient of its own loss, without a pass of its own."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from dropgan.train import LOSSES, change_recipe, load_recipe
from dropgan.train.data.batches import Batch
from dropgan.train.networks import SampleSpec
from dropgan.train.recipes.settings import Recipe
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import discriminator_step, in_one_stage, one_stage_step, train_step

CPU = torch.device("cpu")
SPEC = SampleSpec((1, 12, 12))
CERTAIN = {"generator.dropout": 0.0, "discriminator.dropout": 0.0}
SMALL = {
    "training.batch_size": 8,
    "generator.hidden": [8],
    "generator.dense": [8],
    "discriminator.hidden": [8],
    "discriminator.dense": [8],
    "discriminator.stem": 4,
}
REAL = Batch(torch.rand(8, 1, 12, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1, None)


def conv(**settings: object) -> Recipe:
    return change_recipe(
        load_recipe("conv"), {**SMALL, **{k.replace("__", "."): v for k, v in settings.items()}}
    )


def begun(recipe: Recipe) -> TrainingState:
    state = TrainingState.fresh(recipe, SPEC, CPU)
    state.set_learning_rates(recipe)
    return state


def weights_after(recipe: Recipe, steps: int = 3, precision: str = "fp32") -> list[Tensor]:
    state = begun(recipe)
    for _ in range(steps):
        train_step(state, recipe, lambda _: REAL, device=CPU, precision=precision)
    return [weight.detach() for weight in (*state.generator.parameters(), *state.discriminator.parameters())]


@pytest.mark.parametrize("lazy", [False, True], ids=["plain", "with R1"])
@pytest.mark.parametrize("name", ["non-saturating", "minimax", "wasserstein"])
def test_the_gradient_is_that_of_the_generators_own_loss(name: str, lazy: bool) -> None:
    """A wrong multiple would train the generator towards something else, and R1 must not leak into it."""
    recipe = change_recipe(
        conv(), {**CERTAIN, "training.loss": name, "discriminator.spectral_norm": name == "wasserstein"}
    )
    state = begun(recipe)
    generated = state.generator(torch.randn(8, recipe.generator.latent_dim))
    logits = state.discriminator(generated)
    expected = torch.autograd.grad(
        LOSSES[name].generator(logits, lambda: logits), [*state.generator.parameters()], retain_graph=True
    )
    judged = generated.detach().requires_grad_()
    outcome = discriminator_step(state, recipe, REAL, judged, precision="fp32", lazy_penalties=lazy)
    before = [weight.detach().clone() for weight in state.generator.parameters()]
    one_stage_step(state, recipe, outcome.on_generated, judged, generated)
    for weight, gradient, old in zip(state.generator.parameters(), expected, before, strict=True):
        assert weight.grad is not None
        # spectral norm iterates once more in the second pass
        torch.testing.assert_close(
            weight.grad, gradient, rtol=2e-2 if name == "wasserstein" else 1e-4, atol=1e-5
        )
        assert not torch.equal(weight, old)


def test_the_multiple_stays_finite() -> None:
    """A discriminator that is very sure would otherwise make the generator's weights NaN at once."""
    logits = torch.tensor([[-1e4], [-200.0], [0.0], [200.0]])
    ratio = LOSSES["non-saturating"].gradient_ratio(logits)
    assert torch.isfinite(ratio).all()
    assert ratio[2].item() == -1
    derivative = torch.sigmoid(logits)  # of softplus, which the discriminator minimises
    assert torch.isfinite(ratio * derivative).all()


def test_one_stage_changes_training() -> None:
    """The setting acts: the generator learns from the discriminator before its update."""
    one, two = weights_after(conv()), weights_after(conv(training__one_stage=False))
    assert not all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda: {"training.loss": "hinge"},
        lambda: {"training.loss": "relativistic", "discriminator.dropout": 0.1},
        lambda: {"training.loss": "margin"},
        lambda: {
            "discriminator.normalisation": "batch",
            "discriminator.dropout": 0.0,
            "penalty.r1_weight": 0.0,
        },
    ],
    ids=["hinge", "relativistic", "margin", "batch norm"],
)
def test_without_effect_where_there_is_no_multiple(change: Callable[[], dict[str, object]]) -> None:
    """These recipes trained before there was the setting, and must not train on a wrong gradient now."""
    one = weights_after(change_recipe(conv(), change()))
    two = weights_after(change_recipe(conv(training__one_stage=False), change()))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_never_with_several_logits_or_fp16() -> None:
    """A head's gradient is its own; and fp16 rounds what the multiple would enlarge to 0."""
    assert in_one_stage(conv(), "fp32")
    assert in_one_stage(conv(), "bf16")
    assert not in_one_stage(conv(), "fp16")
    assert not in_one_stage(change_recipe(load_recipe("projected"), {"training.one_stage": True}), "fp32")


def test_only_the_last_update_of_several_teaches_the_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The earlier samples are made without a graph: their gradients would cost time and reach nothing."""
    learns = []

    def spied(state: TrainingState, recipe: Recipe, real: Batch, generated: Tensor, **options: Any) -> Any:
        learns.append(generated.requires_grad)
        return discriminator_step(state, recipe, real, generated, **options)

    monkeypatch.setattr("dropgan.train.steps.step.discriminator_step", spied)
    recipe = conv(training__discriminator_steps=3)
    state = begun(recipe)
    before = [weight.detach().clone() for weight in state.generator.parameters()]
    train_step(state, recipe, lambda _: REAL, device=CPU, precision="fp32")
    assert learns == [False, False, True]
    after = state.generator.parameters()
    assert not any(torch.equal(old, weight) for old, weight in zip(before, after, strict=True))
