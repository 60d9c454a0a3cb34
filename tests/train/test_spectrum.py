"""Pictures without a checkerboard: the discriminator looks at single pixels before it takes strides."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from dropgan.evaluate.appearance import checkerboard
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.train import change_recipe, load_recipe, train
from dropgan.train.networks import SampleSpec, build_networks

SIDE = 16


def shapes(count: int) -> NDArray[np.uint8]:
    """Discs and squares with smooth edges, of one colour on another, uint8 [count, 16, 16, 3]."""
    random = np.random.default_rng(0)
    down, across = np.mgrid[:SIDE, :SIDE] + 0.5
    pictures = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for picture in pictures:
        back, fore = random.integers(0, 256, (2, 3))
        y, x = np.abs([down, across] - random.uniform(0.3, 0.7, (2, 1, 1)) * SIDE)
        distance = np.hypot(y, x) if random.integers(2) else np.maximum(y, x)
        share = np.clip(random.uniform(0.15, 0.35) * SIDE - distance + 0.5, 0, 1)[..., None]
        picture[:] = np.rint(back * (1 - share) + fore * share)
    return pictures


@pytest.mark.parametrize("name", ["conv", "resnet", "r3gan", "capsule", "graph"])
def test_the_first_look_is_not_strided(name: str) -> None:
    """A strided one hardly sees what changes from pixel to pixel. `dcgan` has one, as published."""
    _, discriminator = build_networks(load_recipe(name), SampleSpec((3, 32, 32)))
    looks = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d) and m.in_channels == 3]
    assert {layer.stride for layer in looks} == {(1, 1)}


@pytest.mark.parametrize(("channels", "remain"), [(1, True), (3, False)])
def test_a_colour_generator_draws_no_diagonals(channels: int, remain: bool) -> None:
    """In no block of 2x2 pixels, whatever it learned: they are what a checkerboard is made of. Grey pictures
    keep them, for textures that real ones have."""
    torch.manual_seed(0)
    recipe = load_recipe("conv")
    generator, _ = build_networks(recipe, SampleSpec((channels, 32, 32)))
    for parameter in generator.parameters():
        nn.init.normal_(parameter, std=0.1)
    images = torch.atanh(generator.eval()(torch.randn(16, recipe.generator.latent_dim)).double())
    one, two, three, four = (images[..., i::2, j::2] for i in (0, 1) for j in (0, 1))
    assert ((one - two - three + four).abs().max() > 0.05) == remain
    assert (one - two).abs().max() > 0.05


def test_the_measure_finds_a_checkerboard() -> None:
    """Of either phase, faint, and not for what has other periods."""
    data = shapes(50)
    board = np.where(np.add.outer(np.arange(SIDE), np.arange(SIDE)) % 2, 4, -4)[None, :, :, None]
    phases = np.where(np.arange(50) % 2, 1, -1)[:, None, None, None]
    assert checkerboard(np.clip(data + phases * board, 0, 255).astype(np.uint8), data) > 10
    assert checkerboard(data, data) == 1
    stripes = np.where(np.arange(SIDE) % 4 < 2, 4, -4)[None, None, :, None]
    assert checkerboard(np.clip(data + stripes, 0, 255).astype(np.uint8), data) < 2


@pytest.mark.slow
def test_no_checkerboard_in_colour(tmp_path: Path) -> None:
    """Energy at a period of two pixels: 30 to 75 times the pictures' own without the stem.

    What people saw: faces under a chessboard.
    """
    data = shapes(1000)
    changes = {"training.steps": 2500, "training.batch_size": 16, "output.sample_interval": 2500}
    recipe = change_recipe(load_recipe("conv"), changes)
    train(tmp_path / "run", recipe, data=data, device="cpu", precision="fp32", threads=1)
    export(tmp_path / "run", tmp_path / "model.onnx")
    assert checkerboard(Generator(tmp_path / "model.onnx", device="cpu").sample(500), data) < 3
