"""Kinds, places, schedules and steering of dropout: what they multiply by, and when they do."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dropgan.export import export
from dropgan.export.gate import check_inference_only
from dropgan.train import RecipeError, RunDirectory, change_recipe, load_networks, load_recipe, resume, train
from dropgan.train.data.batches import Batch, parts
from dropgan.train.data.dataset import DataError
from dropgan.train.distributed.ranks import ALONE
from dropgan.train.networks import ARCHITECTURES, SampleSpec, build_networks
from dropgan.train.networks.dropout import DROPOUT_KINDS, dropouts
from dropgan.train.networks.schedules import DROPOUT_SCHEDULES
from dropgan.train.objective.penalties import consistency_penalty
from dropgan.train.steps.dropout import INTERVAL, Steering
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

from .small_runs import rows_of, same_weights, small_recipe, train_small

CPU = torch.device("cpu")
KINDS = [kind.name for kind in DROPOUT_KINDS]
IMAGE = SampleSpec((1, 16, 16))
NETWORKS = ("generator", "discriminator")
PER_CHANNEL = {"channel", "lognormal"}
SMALL = {"generator.hidden": [8, 8], "discriminator.hidden": [8, 8]}


def _both(**settings: Any) -> dict[str, Any]:
    return {f"{net}.{key}": value for net in NETWORKS for key, value in settings.items()}


# Kinds


@pytest.mark.parametrize(("name", "p"), [*itertools.product(KINDS, [0.1, 0.5])])
def test_factors_have_mean_one_and_the_variance_of_dropout(name: str, p: float) -> None:
    """With another mean the deployed network would see other activations; with other variances one p
    would mean something else in each kind."""
    torch.manual_seed(0)
    factors = DROPOUT_KINDS[name].module(p)(torch.ones(400_000, 1)).double()
    variance = p / (1 - p)
    assert factors.mean().item() == pytest.approx(1, abs=5 * (variance / 400_000) ** 0.5)
    assert factors.var().item() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("name", KINDS)
def test_one_factor_a_unit_or_a_channel(name: str) -> None:
    """Noise that differs within a channel would average out in the next convolution."""
    torch.manual_seed(0)
    out = DROPOUT_KINDS[name].module(0.5)(torch.ones(16, 8, 4, 4))
    within = out.flatten(2).std(2)
    assert bool((within == 0).all()) == (name in PER_CHANNEL)
    assert out[:, :, 0, 0].std() > 0.3


@pytest.mark.parametrize("name", KINDS)
def test_nothing_happens_in_use_and_at_zero(name: str) -> None:
    """Noise in the exported generator would spoil every sample."""
    inputs = torch.randn(4, 3, 2, 2)
    module = DROPOUT_KINDS[name].module(0.5)
    assert torch.equal(module.eval()(inputs), inputs)
    module.train().p = 0.0
    assert torch.equal(module(inputs), inputs)
    module.p = 0.5
    assert module(inputs.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("architecture", [one.name for one in ARCHITECTURES if one.fits(IMAGE)])
@pytest.mark.parametrize("name", KINDS)
def test_every_architecture_takes_every_kind(architecture: str, name: str) -> None:
    """In both networks, with finite gradients; those of graphs drop single units alone."""
    torch.manual_seed(0)
    has = ARCHITECTURES[architecture]
    named = {f"{net}.architecture": architecture for net in NETWORKS if getattr(has, net) is not None}
    settings = {**SMALL, **named, **_both(dropout_kind=name, dropout=0.5)}
    recipe = change_recipe(load_recipe("mlp"), settings)
    generator, discriminator = build_networks(recipe, IMAGE)
    kind = type(DROPOUT_KINDS[name].module(0.5))
    for network in (generator, discriminator):
        assert {type(module) for module in dropouts(network).values() if module.p > 0} == {kind}
    discriminator(generator(torch.randn(4, 64))).sum().backward()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in generator.parameters())


@pytest.mark.parametrize("name", ["gaussian", "lognormal"])
def test_noise_resumes_exactly_and_is_not_in_the_file(tmp_path: Path, image_file: Path, name: str) -> None:
    """Noise in training is drawn from the step's own stream, and the gate finds none in what is shipped."""
    recipe = small_recipe(training__steps=8, output__checkpoint_interval=3)
    recipe = change_recipe(recipe, _both(dropout_kind=name, dropout=0.3, dropout_schedule="linear"))
    whole = train_small(tmp_path / "whole", image_file, recipe)
    part = train_small(tmp_path / "part", image_file, recipe, steps=8, minutes=0.0)
    assert load_networks(part.path, "last").about["step"] < 8
    resume(part.path)
    assert same_weights(part, whole)
    export(whole.path, tmp_path / "model.onnx")
    assert check_inference_only((tmp_path / "model.onnx").read_bytes()).passed


# Places


def test_dropout_follows_the_layers_that_are_chosen() -> None:
    """Counted from the network's input on; the weights have the names they have without the choice."""
    settings = {**_both(hidden=[8, 8, 8], dropout=0.5), "discriminator.dropout_layers": [1, 3]}
    recipe = change_recipe(load_recipe("mlp"), settings)
    _, discriminator = build_networks(recipe, SampleSpec((5,)))
    body = list(discriminator.get_submodule("body").children())
    assert [type(module).__name__ for module in body[2::3]] == ["Dropout", "Identity", "Dropout"]
    plain = change_recipe(recipe, {"discriminator.dropout_layers": "all"})
    assert build_networks(plain, SampleSpec((5,)))[1].state_dict().keys() == discriminator.state_dict().keys()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([3], r"discriminator\.dropout_layers names layer 3, but there are 2 hidden layers"),
        ([], "at least 1 item"),
        ([0], r"dropout_layers\[0\]: .*greater than or equal to 1"),
        ([1.5], r"dropout_layers\[0\]: .*valid integer"),
        ("frist", "Input should be 'all' or 'last', not 'frist'"),
    ],
)
def test_layers_that_there_are_not(layers: Any, message: str) -> None:
    """Nobody would notice that dropout is behind no layer at all."""
    settings = {"discriminator.dropout_layers": layers}
    with pytest.raises(RecipeError, match=message):
        build_networks(change_recipe(load_recipe("mlp"), settings), SampleSpec((5,)))


# Schedules


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("constant", [0.4, 0.4, 0.4, 0.4]),
        ("early", [0.4, 0.4, 0.0, 0.0]),
        ("late", [0.0, 0.0, 0.4, 0.4]),
        ("linear", [0.4, 0.3, 0.2, 0.1]),
    ],
)
def test_a_schedule_is_a_function_of_the_step(name: str, expected: list[float]) -> None:
    """Whatever was trained before: a resumed run must not begin its schedule anew."""
    recipe = change_recipe(
        load_recipe("mlp"), {**SMALL, "training.steps": 4, **_both(dropout=0.4, dropout_schedule=name)}
    )
    state = TrainingState.fresh(recipe, SampleSpec((5,)), CPU)
    for step in (3, 0, 2, 1):
        state.step = step
        state.begin_step(recipe)
        for network in (state.generator, state.discriminator):
            for module in dropouts(network).values():
                assert module.p == pytest.approx(expected[step])
    assert name in DROPOUT_SCHEDULES


# Samples made as in use


def test_a_share_of_the_samples_is_made_without_dropout() -> None:
    """Those are what the exported file will make; the others still train thinned networks."""
    recipe = change_recipe(
        load_recipe("mlp"), {**SMALL, "generator.dropout": 0.5, "generator.dropout_share": 0.5}
    )
    state = TrainingState.fresh(recipe, SampleSpec((1, 8, 8)), CPU)
    state.set_learning_rates(recipe)
    seen: list[torch.Tensor] = []
    state.discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    latents = state.draw_latents(0, 8, recipe.generator.latent_dim, CPU)
    plain = state.generator.eval()(latents)
    state.generator.train()
    train_step(state, recipe, lambda _: Batch(torch.rand(8, 1, 8, 8), None), device=CPU, precision="fp32")
    made = seen[0][8:]
    torch.testing.assert_close(made[4:], plain[4:], atol=1e-5, rtol=1e-5)
    assert (made[:4] - plain[:4]).abs().amax((1, 2, 3)).min() > 1e-3
    assert all(module.training for module in dropouts(state.generator).values())


# Consistency


@pytest.mark.parametrize(("weight", "apart"), [("consistency_weight", 0.0), ("approximate_r1_weight", 0.2)])
def test_two_passes_of_a_penalty_are_augmented_alike(weight: str, apart: float) -> None:
    """Or it would punish the discriminator for seeing the augmentation."""
    settings = {
        **SMALL,
        "discriminator.dropout": 0.5,
        f"penalty.{weight}": 1.0,
        "penalty.r1_weight": 0.0,
        "training.augmentation": ["colour", "translation", "cutout"],
    }
    recipe = change_recipe(load_recipe("mlp"), settings)
    state = TrainingState.fresh(recipe, SampleSpec((1, 8, 8)), CPU)
    state.set_learning_rates(recipe)
    seen: list[torch.Tensor] = []
    state.discriminator.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    train_step(state, recipe, lambda _: Batch(torch.rand(8, 1, 8, 8), None), device=CPU, precision="fp32")
    assert len(seen) == 4
    assert (seen[1] - seen[2]).abs().max() <= apart


def test_consistency_is_the_difference_that_masks_make() -> None:
    """Without dropout it is 0; with one weight w and dropout 0.5 it is (2 w x)^2 half of the time."""
    torch.manual_seed(0)
    plain = nn.Linear(1, 1)
    assert consistency_penalty(plain, torch.randn(64, 1)).item() == 0
    expected = 2 * plain.weight.item() ** 2
    found = consistency_penalty(nn.Sequential(nn.Dropout(0.5), plain), torch.ones(20_000, 1)).item()
    assert found == pytest.approx(expected, rel=0.05)


# Steering


def _steered(real: float, held_out: float | None = None, **settings: Any) -> Steering:
    """After one change, with constant logits."""
    held = {} if held_out is None else {"discriminator.held_out": 0.1}
    changes = {"discriminator.dropout": "auto", **held, **settings}
    recipe = change_recipe(load_recipe("mlp"), changes)
    steering = Steering(recipe.discriminator, batch_size=160)
    other = None if held_out is None else torch.full((8, 1), held_out)
    for _ in range(INTERVAL):
        steering.observe(torch.full((8, 1), real), torch.full((8, 1), -1.0), other)
    steering.adjust(INTERVAL, ALONE)
    return steering


def test_steering_measures_the_sign_or_the_gap() -> None:
    """Two of three real samples called real is a sign of 1/3; a held-out logit halfway is half overfitted."""
    assert _steered(2.0).overfitting == 1.0
    assert _steered(-0.5).overfitting == -1.0
    assert _steered(3.0, held_out=1.0).overfitting == pytest.approx(0.5)
    assert _steered(-2.0, held_out=1.0).overfitting == 0.0, "generated samples look more real: no overfitting"


def test_steering_moves_towards_the_target_and_stays_within_its_bounds() -> None:
    """Up while it overfits, down while it does not; never beyond what the recipe allows."""
    steering = _steered(2.0)
    assert steering.probability == pytest.approx(0.8 * INTERVAL * 160 / 64_000)
    assert _steered(-1.0).probability == 0.0
    for _ in range(300):
        steering.observe(torch.ones(8, 1), -torch.ones(8, 1), None)
        steering.adjust(1, ALONE)
    assert steering.probability == 0.8
    assert steering.share == 1.0
    steering.observe(-torch.ones(8, 1), -torch.ones(8, 1), None)
    steering.adjust(1, ALONE)
    assert 0 < steering.probability < 0.8


@pytest.mark.parametrize("held_out", [0.0, 0.25])
def test_a_steered_run_resumes_exactly(tmp_path: Path, image_file: Path, held_out: float) -> None:
    """Its probability, and what was observed since it last changed, are in the checkpoint."""
    recipe = small_recipe(training__steps=23, output__checkpoint_interval=6)
    settings = {"discriminator.dropout": "auto", "discriminator.held_out": held_out}
    recipe = change_recipe(recipe, {**settings, "discriminator.dropout_target": 0.01})
    whole = train_small(tmp_path / "whole", image_file, recipe)
    part = train_small(tmp_path / "part", image_file, recipe, steps=23, minutes=0.0)
    assert 0 < load_networks(part.path, "last").about["step"] < 23
    resume(part.path)
    assert same_weights(part, whole)
    rows, others = ([row for row in rows_of(run) if row["step"] > 5] for run in (whole, part))
    assert others == rows  # the one that was stopped has another first line
    assert all(0 <= row["discriminator_dropout"] <= 0.8 for row in rows)
    assert any("overfitting" in row for row in rows)
    card = export(whole.path, tmp_path / "model.onnx")
    assert card.dropout.discriminator == pytest.approx(rows[-1]["discriminator_dropout"])


def test_what_is_held_out_is_not_trained_on() -> None:
    """Or the gap would be measured on what the discriminator has learned by heart."""
    trained, held_out = parts(100, 0.2, seed=3)
    assert len(held_out) == 20
    assert sorted([*trained, *held_out]) == list(range(100))
    assert not np.array_equal(held_out, parts(100, 0.2, seed=4).held_out)
    with pytest.raises(DataError, match=r"discriminator\.held_out 0\.01 of 100 samples .* 1 to measure"):
        parts(100, 0.01, seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"generator.dropout": "auto"}, r"generator\.dropout: .*valid number"),
        ({"discriminator.dropout": "half"}, r"discriminator\.dropout: .*valid number.*, not 'half'"),
        ({"discriminator.dropout": 1.0}, r"discriminator\.dropout: .*less than 1"),
        ({"discriminator.dropout_bound": 1.0}, r"dropout_bound: .*less than or equal to 0\.95"),
        ({"generator.dropout_schedule": "later"}, "Input should be 'constant', 'early', 'late' or 'linear'"),
        ({"generator.dropout_kind": "poisson"}, "'element', 'channel', 'gaussian' or 'lognormal'"),
        ({"generator.dropout_share": 0}, r"dropout_share: .*greater than 0"),
    ],
)
def test_impossible_values(settings: dict[str, Any], message: str) -> None:
    """One message each, whatever types a setting may have."""
    with pytest.raises(RecipeError, match=message) as caught:
        change_recipe(load_recipe("mlp"), settings)
    assert "function-" not in str(caught.value)


def test_the_curves_show_the_course(tmp_path: Path, image_file: Path) -> None:
    """A steered run that nobody can look into is not believed."""
    recipe = change_recipe(small_recipe(training__steps=10), {"discriminator.dropout": "auto"})
    run = train(tmp_path / "run", recipe, data=str(image_file), device="cpu", precision="fp32", threads=1)
    assert RunDirectory(run.path).curves_file.stat().st_size > 10_000
