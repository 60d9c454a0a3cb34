"""The two training steps, the average, and what a run leaves behind."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dropgan.serve.reporter import Reporter
from dropgan.train import Interrupted, RunDirectory, change_recipe, load_recipe, resume, train
from dropgan.train.data.batches import Batch
from dropgan.train.networks import SampleSpec
from dropgan.train.recipes.settings import Recipe
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.steps.ema import Ema
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import discriminator_step, generator_step

CPU = torch.device("cpu")
REAL = Batch(torch.rand(64, 1, 28, 28), None)
TINY = {
    "training.batch_size": 8,
    "generator.hidden": [16, 16],
    "discriminator.hidden": [16, 16],
    "output.log_interval": 5,
    "output.sample_interval": 10,
    "output.checkpoint_interval": 10,
}


def _recipe(name: str = "mlp", **settings: object) -> Recipe:
    return change_recipe(
        load_recipe(name), {**TINY, **{k.replace("__", "."): v for k, v in settings.items()}}
    )


def _weights(network: nn.Module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in network.parameters()]


def _same(before: list[torch.Tensor], after: list[torch.Tensor]) -> list[bool]:
    return [torch.equal(one, other) for one, other in zip(before, after, strict=True)]


@pytest.fixture
def state() -> TrainingState:
    state = TrainingState.fresh(_recipe(), SampleSpec((1, 28, 28)), CPU)
    state.set_learning_rates(_recipe())
    return state


def test_generator_step_changes_the_generator_alone(state: TrainingState) -> None:
    """The article's "generator step" trained the discriminator; its generator never changed."""
    generator, discriminator = _weights(state.generator), _weights(state.discriminator)
    fakes = state.generator(torch.randn(8, _recipe().generator.latent_dim))
    generator_step(state, _recipe(), REAL, fakes, precision="fp32")
    assert not any(_same(generator, _weights(state.generator)))
    assert all(_same(discriminator, _weights(state.discriminator)))
    assert all(weight.grad is None for weight in state.discriminator.parameters())


def test_generator_step_makes_samples_more_convincing(state: TrainingState) -> None:
    """A step in the wrong direction would leave losses that look plausible and pictures of noise."""
    state.generator.eval(), state.discriminator.eval()
    latents = torch.randn(64, _recipe().generator.latent_dim)
    before = state.discriminator(state.generator(latents)).mean()
    for _ in range(5):
        generator_step(state, _recipe(), REAL, state.generator(latents), precision="fp32")
    assert state.discriminator(state.generator(latents)).mean() > before


@pytest.mark.parametrize("penalise", [False, True])
def test_discriminator_step_changes_the_discriminator_alone(state: TrainingState, penalise: bool) -> None:
    """And it must learn to tell: the logit of real images rises above that of generated ones."""
    generator = _weights(state.generator)
    discriminator = _weights(state.discriminator)
    recipe = _recipe(penalty__r1_weight=0.1)
    latents = torch.randn(64, recipe.generator.latent_dim)
    with torch.no_grad():
        fakes = state.generator(latents)
    for _ in range(30):
        discriminator_step(state, recipe, REAL, fakes, precision="fp32", lazy_penalties=penalise)
    assert all(_same(generator, _weights(state.generator)))
    assert not any(_same(discriminator, _weights(state.discriminator)))
    state.discriminator.eval()
    assert state.discriminator(REAL.samples).mean() > state.discriminator(fakes).mean() + 0.1


def test_penalty_restrains_the_discriminator() -> None:
    """R1 that had no effect, or none on the weights, would leave training unstable."""
    slopes = []
    for penalise in (False, True):
        recipe = _recipe(penalty__r1_weight=10.0, discriminator__dropout=0.0)
        state = TrainingState.fresh(recipe, SampleSpec((1, 28, 28)), CPU)
        state.set_learning_rates(recipe)
        torch.manual_seed(0)
        reals, fakes = torch.rand(64, 1, 28, 28), -torch.rand(64, 1, 28, 28)
        for _ in range(40):
            discriminator_step(
                state, recipe, Batch(reals, None), fakes, precision="fp32", lazy_penalties=penalise
            )
        images = reals.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(state.discriminator(images).sum(), images)
        slopes.append(gradient.flatten(1).norm(dim=1).mean().item())
    assert slopes[1] < 0.7 * slopes[0]


def test_ema_is_the_weighted_mean() -> None:
    """After the ramp, each step moves the average by exactly 1 - decay of the way."""
    network = nn.Linear(1, 1, bias=False)
    ema = Ema(network, 0.9)
    expected = ema.module.weight.item()
    for step in range(1000, 1005):
        nn.init.constant_(network.weight, float(step))
        ema.update(step)
        expected = 0.9 * expected + 0.1 * step
    assert ema.module.weight.item() == pytest.approx(expected, rel=1e-6)
    assert not ema.module.training
    assert not ema.module.weight.requires_grad


def test_ema_forgets_the_first_weights_and_keeps_buffers() -> None:
    """With decay 0.999 and no ramp the untrained generator would be half of it after 700 steps."""
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    ema = Ema(network, 0.999)
    nn.init.constant_(network[0].weight, 5.0)
    network[1].running_mean.fill_(3.0)
    for step in range(100):
        ema.update(step)
    torch.testing.assert_close(ema.module[0].weight, network[0].weight.detach(), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(ema.module[1].running_mean, network[1].running_mean, rtol=1e-3, atol=1e-3)
    assert torch.equal(ema.module[1].num_batches_tracked, network[1].num_batches_tracked)


def test_ema_decay_zero_follows() -> None:
    """The seed recipe ships its last weights."""
    network = nn.Linear(3, 3)
    ema = Ema(network, 0.0)
    nn.init.normal_(network.weight)
    ema.update(10)
    assert torch.equal(ema.module.weight, network.weight)


def test_learning_rate_schedule() -> None:
    """Linear decay reaches towards 0 at the end; both networks learn at the rates that the recipe says.

    A penalty in every 16th step rides on that step's update, so there is no further one to correct for.
    """
    recipe = _recipe(
        training__steps=100, training__schedule="linear", penalty__r1_weight=1.0, penalty__r1_interval=16
    )
    state = TrainingState.fresh(recipe, SampleSpec((1, 28, 28)), CPU)
    for step, scale in ((0, 1.0), (50, 0.5), (99, 0.01)):
        state.step = step
        state.set_learning_rates(recipe)
        rate = state.generator_optimizer.param_groups[0]["lr"]
        assert rate == pytest.approx(recipe.generator.learning_rate * scale)
        rate = state.discriminator_optimizer.param_groups[0]["lr"]
        assert rate == pytest.approx(recipe.discriminator.learning_rate * scale)
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        assert optimizer.param_groups[0]["betas"] == (recipe.training.beta1, recipe.training.beta2)


def test_run_directory_holds_what_the_design_says(tiny_run: Path) -> None:
    """Recipe, metrics, samples and checkpoint, each readable by others."""
    recipe, facts = RunDirectory(tiny_run).read_recipe()
    assert recipe.training.steps == 40
    assert facts.device == "cpu"
    rows = [json.loads(line) for line in (tiny_run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [10, 20, 30, 40]
    assert all(np.isfinite(row["discriminator_loss"]) and row["steps_per_second"] > 0 for row in rows)
    pictures = [path.name for path in sorted((tiny_run / "samples").iterdir())]
    assert pictures == [f"step-{step:07d}.png" for step in (10, 20, 30, 40)]
    assert load_checkpoint(tiny_run / "checkpoints" / "last.safetensors").about["step"] == 40


def _train(directory: Path, data: Path, recipe: Recipe, **options: object) -> RunDirectory:
    return train(directory, recipe, data=str(data), device="cpu", precision="fp32", threads=1, **options)


def _final_weights(run: RunDirectory) -> dict[str, torch.Tensor]:
    return load_checkpoint(run.last_checkpoint).tensors


@pytest.mark.parametrize("name", ["seed", "mlp"])
def test_resume_gives_the_weights_of_the_uninterrupted_run(
    tmp_path: Path, image_file: Path, name: str
) -> None:
    """Bit for bit: networks, average, optimisers and random generators."""
    recipe = _recipe(name, training__steps=30)
    whole = _train(tmp_path / "whole", image_file, recipe)

    def interrupt(row: dict[str, float]) -> None:
        if row["step"] == 15:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="--resume"):
        _train(tmp_path / "parts", image_file, recipe, reporter=Reporter(metrics=interrupt))
    assert 15 <= load_checkpoint(RunDirectory(tmp_path / "parts").last_checkpoint).about["step"] < 30
    parts = resume(tmp_path / "parts")
    expected, given = _final_weights(whole), _final_weights(parts)
    assert expected.keys() == given.keys()
    assert [key for key in expected if not torch.equal(expected[key], given[key])] == []
    assert [row["step"] for row in parts.read_metrics() if row["step"] % 5 == 0] == [5, 10, 15, 20, 25, 30]


def test_resume_after_a_crash_without_a_checkpoint(tmp_path: Path, image_file: Path) -> None:
    """Killed before the first checkpoint, the run begins again rather than being lost."""
    recipe = _recipe(training__steps=10)
    whole = _train(tmp_path / "whole", image_file, recipe)
    crashed = _train(tmp_path / "crashed", image_file, recipe)
    crashed.last_checkpoint.unlink()
    crashed.previous_checkpoint.unlink()
    resumed = resume(tmp_path / "crashed")
    expected, given = _final_weights(whole), _final_weights(resumed)
    assert all(torch.equal(expected[key], given[key]) for key in expected)
    assert [row["step"] for row in resumed.read_metrics()] == [5, 10]


def test_resume_with_more_steps(tmp_path: Path, image_file: Path) -> None:
    """A run that was too short is made longer, and says so in its recipe."""
    run = _train(tmp_path / "run", image_file, _recipe(training__steps=10))
    resume(run.path, steps=20)
    assert load_checkpoint(run.last_checkpoint).about["step"] == 20
    assert run.read_recipe()[0].training.steps == 20


def test_interrupt_in_another_thread_is_not_taken(tmp_path: Path, image_file: Path) -> None:
    """An application that trains in a thread keeps its own signal handlers."""
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=_train, args=(tmp_path / "run", image_file, _recipe(training__steps=10)))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert RunDirectory(tmp_path / "run").last_checkpoint.exists()


def test_bf16_trains_too(tmp_path: Path, image_file: Path) -> None:
    """Autocast must reach both networks and leave finite float32 weights."""
    run = train(
        tmp_path / "run",
        _recipe(training__steps=10),
        data=str(image_file),
        device="cpu",
        precision="bf16",
        threads=1,
    )
    weights = _final_weights(run)
    assert all(torch.isfinite(w).all() for w in weights.values() if w.is_floating_point())
    assert weights["generator/output.weight"].dtype == torch.float32


def test_plan_is_measured_and_leaves_randomness_alone() -> None:
    """The measurement before a run must not change the run."""
    from dropgan.train.run.plan import Wanted, make_plan

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    started = time.monotonic()
    plan = make_plan(_recipe(), SampleSpec((1, 28, 28)), Wanted("cpu", retune=True))
    assert time.monotonic() - started < 10
    assert plan.precision in ("fp32", "bf16")
    assert 1 <= plan.threads <= (os.cpu_count() or 1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.gpu
def test_training_on_cuda(tmp_path: Path, image_file: Path) -> None:
    """The same loop on the device that it was written for."""
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU that PyTorch can use")
    recipe = _recipe(training__steps=10)
    run = train(tmp_path / "run", recipe, data=str(image_file), device="cuda")
    assert run.read_recipe()[1].device.startswith("cuda")
    resume(run.path, steps=20)
    assert load_checkpoint(run.last_checkpoint).about["step"] == 20
