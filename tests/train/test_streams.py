"""Random numbers of training: each kind is a function of (seed, step), whatever else is drawn."""

from typing import Any

import pytest
import torch

from dropgan.train import change_recipe, load_recipe
from dropgan.train.data.batches import Batch
from dropgan.train.networks import SampleSpec
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

CPU = torch.device("cpu")
SIZES: dict[str, Any] = {
    "generator.hidden": [8],
    "discriminator.hidden": [8],
    "training.augmentation": ["colour", "translation", "cutout"],
    "training.discriminator_steps": 2,
    "penalty.r1_interval": 1,
}


def _seen(steps: int, rollbacks: tuple[int, ...] = (), **changes: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The latents that the generator saw, and the first real batches as the discriminator saw them."""
    recipe = change_recipe(load_recipe("mlp"), {**SIZES, **changes})
    state = TrainingState.fresh(recipe, SampleSpec((1, 8, 8)), CPU)
    state.rollbacks = rollbacks
    state.set_learning_rates(recipe)
    latents: list[torch.Tensor] = []
    reals: list[torch.Tensor] = []
    state.generator.register_forward_pre_hook(lambda _, given: latents.append(given[0]))
    state.discriminator.register_forward_pre_hook(lambda _, given: reals.append(given[0][:4].detach()))
    samples = torch.linspace(-1, 1, 256).view(4, 1, 8, 8)
    for _ in range(steps):
        calls = len(reals)
        train_step(state, recipe, lambda _: Batch(samples, None), device=CPU, precision="fp32")
        del reals[calls + 1 :]
    return torch.cat(latents), torch.cat(reals)


@pytest.mark.parametrize(
    "changes", [{"generator.dropout": 0.0}, {"discriminator.dropout": 0.0}, {"generator.dropout": 0.5}]
)
def test_runs_that_differ_in_dropout_alone_see_the_same(changes: dict[str, float]) -> None:
    """A comparison of rates of dropout would else compare luck: other latents, other augmentations."""
    for one, other in zip(_seen(3), _seen(3, **changes), strict=True):
        assert torch.equal(one, other)


def test_each_update_and_each_attempt_has_latents_of_its_own() -> None:
    """The same latents again would teach nothing; after a rollback they would fail in the same way."""
    latents, _ = _seen(2)
    assert len(latents.unique(dim=0)) == len(latents) == 2 * 2 * 4
    again, _ = _seen(2, rollbacks=(0,))
    assert len(torch.cat((latents, again)).unique(dim=0)) == 2 * len(latents)


def test_other_seeds_see_other_latents() -> None:
    """Or medians over seeds would be of one run."""
    assert not torch.equal(_seen(1)[0], _seen(1, **{"training.seed": 1})[0])
