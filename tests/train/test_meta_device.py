"""A training step where every tensor is on a device that is not the CPU, without having one.

PyTorch's "meta" device computes shapes alone, and refuses tensors of the CPU beside its own. So a
tensor that is made on the wrong device, which on a GPU would end the run, is found on any machine.
"""

import dataclasses

import pytest
import torch

from dropgan.train import LOSSES, Loss, Recipe, change_recipe, load_recipe, recipe_names
from dropgan.train.data.batches import Batch
from dropgan.train.kinds import training_kind
from dropgan.train.monitor.meter import Meter
from dropgan.train.networks import ARCHITECTURES, SampleSpec
from dropgan.train.objective.penalties import PENALTIES, Penalty
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import StepOutcome, train_step

META = torch.device("meta")
PLAIN = {f"penalty.{penalty.weight}": 0.0 for penalty in PENALTIES}


PICTURE = SampleSpec((3, 20, 28))
GRAPH = training_kind("graphs").spec(
    (7, 7), 0, {"node_types": ["node"], "edge_types": ["edge"], "sizes_vary": False}
)


def _step(recipe: Recipe, spec: SampleSpec = PICTURE) -> StepOutcome:
    """Two updates of the discriminator, one of the generator, penalties included, and a line of metrics."""
    recipe = change_recipe(recipe, {"training.discriminator_steps": 2, "training.batch_size": 4})
    spec = dataclasses.replace(spec, classes=3 if recipe.conditional else 0)
    state = TrainingState.fresh(recipe, spec, META)
    state.set_learning_rates(recipe)
    labels = torch.zeros(4, dtype=torch.int64, device=META) if recipe.conditional else None
    batch = Batch(torch.zeros(4, *spec.shape, device=META), labels)
    with torch.device("cpu"):
        outcome = train_step(state, recipe, lambda _: batch, device=META, precision="bf16")
    meter = Meter(recipe, META, 0.0)
    meter.add(outcome)
    assert {part.device for part in vars(meter).values() if isinstance(part, torch.Tensor)} == {META}
    assert all(weight.device == META for weight in state.ema.module.state_dict().values())
    return outcome


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe(name: str, conditional: bool) -> None:
    """Losses, counts and both networks stay where the batch is."""
    recipe = change_recipe(load_recipe(name), {"conditional": conditional})
    pictures = ARCHITECTURES[recipe.discriminator.architecture].fits(PICTURE)
    outcome = _step(recipe, PICTURE if pictures else GRAPH)
    for tensor in (*outcome.discriminator, outcome.generator_loss):
        assert tensor.device == META


@pytest.mark.parametrize("loss", list(LOSSES), ids=lambda loss: loss.name)
def test_every_loss(loss: Loss) -> None:
    """Of all recipes only two losses are used."""
    _step(
        change_recipe(
            load_recipe("mlp"), {**PLAIN, "training.loss": loss.name, "discriminator.spectral_norm": True}
        )
    )


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda penalty: penalty.weight)
def test_every_penalty(penalty: Penalty) -> None:
    """They draw points and noise of their own."""
    _step(change_recipe(load_recipe("conv"), {**PLAIN, f"penalty.{penalty.weight}": 1.0}))


def test_augmentation_and_norms() -> None:
    """What no recipe has."""
    policy = ["colour", "translation", "cutout"]
    _step(change_recipe(load_recipe("resnet"), {"training.augmentation": policy}))
    _step(change_recipe(load_recipe("mlp"), {"generator.spectral_norm": True, "generator.weight_decay": 0.1}))
    _step(load_recipe("mlp"), SampleSpec((7,)))


def test_a_tensor_on_the_wrong_device_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the tests above would hold whatever the code did."""
    monkeypatch.setattr(
        TrainingState, "draw_latents", lambda _, update, count, size, device: torch.randn(count, size)
    )
    with pytest.raises((RuntimeError, ValueError)):
        _step(load_recipe("mlp"))
