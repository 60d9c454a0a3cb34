"""Every regulariser and loss through a whole run: trained, resumed, exported, sampled."""

from pathlib import Path

import pytest
import torch

from dropgan.export import export
from dropgan.serve import Generator
from dropgan.train import Recipe, RunDirectory, change_recipe, load_generator, load_recipe, resume, train
from dropgan.train.run.checkpoint import load_checkpoint

Settings = dict[str, object]

SMALL: Settings = {
    "generator.latent_dim": 8,
    "generator.hidden": [12, 10],
    "discriminator.hidden": [12, 10],
    "training.batch_size": 8,
    "output.log_interval": 1,
    "output.sample_interval": 3,
    "penalty.r1_weight": 0.0,
}

RUNS: dict[str, Settings] = {
    "dropout behind the last layer": {
        "generator.dropout_layers": "last",
        "discriminator.dropout_layers": "last",
    },
    "batch norm": {
        "generator.normalisation": "batch",
        "generator.dropout_layers": "last",
        "discriminator.normalisation": "batch",
        "discriminator.dropout": 0.0,
    },
    "weight decay": {"generator.weight_decay": 0.1, "discriminator.weight_decay": 0.1},
    "spectral norm": {"generator.spectral_norm": True, "discriminator.spectral_norm": True},
    "R1": {"penalty.r1_weight": 1.0, "penalty.r1_interval": 2},
    "WGAN-GP": {
        "penalty.wgan_gp_weight": 10.0,
        "training.loss": "wasserstein",
        "training.discriminator_steps": 2,
    },
    "label smoothing": {"training.label_smoothing": 0.1},
    "augmentation": {"training.augmentation": ["colour", "translation", "cutout"]},
    "hinge": {"training.loss": "hinge"},
    "minimax": {"training.loss": "minimax"},
    "relativistic, R1 and R2": {
        "training.loss": "relativistic",
        "penalty.r1_weight": 1.0,
        "penalty.r2_weight": 1.0,
        "penalty.r1_interval": 2,
    },
    "approximate R1": {"penalty.approximate_r1_weight": 100.0},
}


def _run(directory: Path, recipe: Recipe, data: Path) -> RunDirectory:
    return train(directory, recipe, data=str(data), device="cpu", precision="fp32", threads=1)


CONVOLUTIONS: dict[str, Settings] = {
    "dropout of channels, spectral norm, augmentation": {
        "generator.dropout_kind": "channel",
        "discriminator.dropout_kind": "channel",
        "generator.spectral_norm": True,
        "discriminator.spectral_norm": True,
        "training.augmentation": ["colour", "translation", "cutout"],
        "training.loss": "hinge",
    },
    "batch norm and dropout behind it": {
        f"{network}.{key}": value
        for network in ("generator", "discriminator")
        for key, value in {"normalisation": "batch", "dropout_layers": "last", "spectral_norm": False}.items()
    },
    "WGAN-GP": {
        "penalty.wgan_gp_weight": 10.0,
        "training.loss": "wasserstein",
        "discriminator.dropout": 0.1,
    },
}


@pytest.mark.parametrize("base", ["conv", pytest.param("resnet", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(tmp_path: Path, image_file: Path, base: str, name: str) -> None:
    """The same with the other architectures, whose layers are of other kinds."""
    _whole_way(
        tmp_path,
        image_file,
        base,
        {**CONVOLUTIONS[name], "generator.hidden": [4, 4], "discriminator.hidden": [4, 4]},
    )


@pytest.mark.parametrize("name", RUNS)
def test_train_resume_export_sample(tmp_path: Path, image_file: Path, name: str) -> None:
    """Three steps; resumed after two to the same bits; a file that the gate calls inference-only,
    where the generator has layers of its own."""
    _whole_way(tmp_path, image_file, "mlp", RUNS[name])


def _whole_way(tmp_path: Path, image_file: Path, base: str, changes: Settings) -> None:
    short = {"training.steps": 3, "training.schedule": "constant"}
    recipe = change_recipe(load_recipe(base), {**SMALL, **changes, **short})
    whole = _run(tmp_path / "whole", recipe, image_file)
    parts = _run(tmp_path / "parts", change_recipe(recipe, {"training.steps": 2}), image_file)
    resume(parts.path, steps=3)
    expected, given = (load_checkpoint(run.last_checkpoint).tensors for run in (whole, parts))
    assert expected.keys() == given.keys()
    # by bytes: what steers dropout is NaN before it is first measured
    assert [key for key in expected if expected[key].numpy().tobytes() != given[key].numpy().tobytes()] == []

    if not any(key.startswith("generator.") for key in changes):
        return  # its file is like any other's
    export(whole.path, tmp_path / "model.onnx")  # gate and parity, or an error
    images = Generator(tmp_path / "model.onnx", device="cpu").sample(4, seed=recipe.training.seed)
    module = load_generator(whole.path).module
    assert images.shape == (4, 28, 28, 1)
    assert not any("parametrizations" in key for key in module.state_dict())


@pytest.mark.gpu
@pytest.mark.parametrize("name", RUNS)
def test_on_cuda(tmp_path: Path, image_file: Path, name: str) -> None:
    """The same settings in bf16 on the device that they were written for, to finite weights."""
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU that PyTorch can use")
    recipe = change_recipe(load_recipe("mlp"), {**SMALL, **RUNS[name], "training.steps": 3})
    run = train(tmp_path / "run", recipe, data=str(image_file), device="cuda", precision="bf16")
    weights = load_checkpoint(run.last_checkpoint).tensors.values()
    assert all(torch.isfinite(weight).all() for weight in weights if weight.is_floating_point())
