"""Architecture `r3gan`: what makes the published design train without normalisation, and that it exports."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from dropgan.export import export
from dropgan.serve import Generator
from dropgan.train import change_recipe, load_recipe, train
from dropgan.train.data.batches import Batch
from dropgan.train.networks import SampleSpec, build_networks
from dropgan.train.networks.r3gan import Block, _doubled, _halved
from dropgan.train.networks.size import parameter_count
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {
    "generator.hidden": [12, 8],
    "discriminator.hidden": [8, 12],
    "generator.groups": 4,
    "discriminator.groups": 4,
    "training.batch_size": 8,
}


def test_the_recipe_has_the_size_that_it_states() -> None:
    """5.6 million weights a network, for pictures of 32x32 in colour: what fits a GPU is decided by it."""
    recipe = load_recipe("r3gan")
    for network in build_networks(recipe, SampleSpec((3, 32, 32))):
        assert 5.5e6 < parameter_count(network) < 5.7e6
    assert recipe.training.loss == "relativistic"
    assert recipe.penalty.r1_weight == recipe.penalty.r2_weight > 0
    assert recipe.penalty.r1_interval == 1
    assert min(recipe.generator.dropout, recipe.discriminator.dropout) > 0


def test_a_block_begins_as_nothing() -> None:
    """Without normalisation, signals of a deep network explode unless each block begins at 0."""
    recipe = change_recipe(load_recipe("r3gan"), SMALL)
    grid = torch.randn(2, 8, 5, 6)
    block = Block(8, recipe.generator, depth=4, last=False)
    assert torch.equal(block(grid), grid)
    assert block.inner[0].weight.abs().min() > 0


def test_resampling_is_filtered() -> None:
    """By [1, 2, 1]: a single pixel spreads evenly, and a checkerboard is gone at half the resolution."""
    one = torch.zeros(1, 1, 4, 4)
    one[0, 0, 1, 1] = 1
    doubled = _doubled(one)
    assert doubled.shape == (1, 1, 8, 8)
    assert torch.allclose(doubled.sum(), torch.tensor(4.0))
    rows = doubled[0, 0].sum(1)
    assert torch.allclose(rows[rows > 0], torch.tensor([1.0, 2.0, 1.0]))
    board = torch.ones(1, 1, 8, 8)
    board[..., ::2, 1::2] = board[..., 1::2, ::2] = -1
    assert _halved(board).shape == (1, 1, 4, 4)
    assert _halved(board)[..., 1:, 1:].abs().max() < 1e-6


def test_a_step_of_the_recipe() -> None:
    """Relativistic loss, R1 and R2 through blocks of grouped convolutions: all weights move, none breaks.

    But for the discriminator's last bias, which cancels in the difference of two logits.
    """
    recipe = change_recipe(load_recipe("r3gan"), SMALL)
    state = TrainingState.fresh(recipe, SampleSpec((3, 8, 8)), CPU)
    state.set_learning_rates(recipe)
    networks = (state.generator, state.discriminator)
    before = [{name: value.clone() for name, value in net.named_parameters()} for net in networks]
    samples = torch.rand(8, 3, 8, 8) * 2 - 1
    for _ in range(3):  # the first moves the last convolutions off 0, behind which no gradient comes
        train_step(state, recipe, lambda _: Batch(samples, None), device=CPU, precision="fp32")
    for network, old in zip(networks, before, strict=True):
        for name, value in network.named_parameters():
            assert value.isfinite().all(), name
            moved = not torch.equal(value, old[name])
            assert moved or (network is state.discriminator and name == "output.bias"), name


def test_it_exports(tmp_path: Path) -> None:
    """Through the gate and parity, like every recipe."""
    recipe = change_recipe(load_recipe("r3gan"), {**SMALL, "training.steps": 4})
    data = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 3), dtype=np.uint8)
    train(tmp_path / "run", recipe, data=data, device="cpu", precision="fp32", threads=1)
    export(tmp_path / "run", tmp_path / "model.onnx")
    assert Generator(tmp_path / "model.onnx", device="cpu").sample(3).shape == (3, 8, 8, 3)
