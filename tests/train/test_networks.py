"""The networks: shapes, dropout everywhere, and what the discriminator can see."""

import pytest
import torch
from torch import nn

from dropgan.train import change_recipe, load_recipe
from dropgan.train.networks import SampleSpec, build_networks, roughness
from dropgan.train.networks.dropout import Dropout
from dropgan.train.networks.tanh import tanh


@pytest.mark.parametrize("name", ["seed", "mlp"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14), (1, 8, 8)])
def test_shapes_and_ranges(name: str, shape: tuple[int, int, int]) -> None:
    """Latents in, tanh images out, one logit each; colour and odd sizes included."""
    recipe = load_recipe(name)
    generator, discriminator = build_networks(recipe, SampleSpec(shape))
    images = generator(torch.randn(5, recipe.generator.latent_dim))
    assert images.shape == (5, *shape)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (5, 1)


@pytest.mark.parametrize("name", ["seed", "mlp"])
def test_dropout_after_every_hidden_layer(name: str) -> None:
    """Both networks, with the recipe's probabilities, and never after the last layer."""
    recipe = load_recipe(name)
    for network, settings in zip(
        build_networks(recipe, SampleSpec((1, 28, 28))), (recipe.generator, recipe.discriminator), strict=True
    ):
        drops = [part.p for part in network.modules() if isinstance(part, Dropout)]
        assert drops == [settings.most_dropout] * len(settings.model_dump()["hidden"])
        assert not isinstance(list(network.children())[-1], Dropout)


def test_seed_networks_are_the_articles() -> None:
    """100-256-256-784 and 784-256-256-1."""
    for network, widths in zip(
        build_networks(load_recipe("seed"), SampleSpec((1, 28, 28))),
        ((100, 256, 256, 784), (784, 256, 256, 1)),
        strict=True,
    ):
        layers = [part for part in network.modules() if isinstance(part, nn.Linear)]
        assert (*(layer.in_features for layer in layers), layers[-1].out_features) == widths


def test_roughness() -> None:
    """A checkerboard is as rough as can be, a flat image not at all, a step only in its cell."""
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    board = (((rows + columns) % 2) * 2.0 - 1)[None, None]
    torch.testing.assert_close(roughness(board), torch.full((1, 8), 2.0))
    assert roughness(torch.ones(1, 1, 8, 8)).abs().max() == 0
    step = torch.zeros(1, 1, 8, 8)
    step[..., 2:] = 1.0
    across, down = roughness(step).view(2, 4)
    torch.testing.assert_close(across, torch.tensor([0.25, 0.0, 0.25, 0.0]))
    assert down.abs().max() == 0


def test_texture_shows_the_discriminator_grain() -> None:
    """Without it, noise that the first layer happens not to look at costs the generator nothing."""
    recipe = load_recipe("mlp")
    discriminator = build_networks(recipe, SampleSpec((1, 28, 28)))[1].eval()
    first = discriminator.body[0].weight[:, :784]
    smooth = torch.zeros(1, 784)
    blind = torch.linalg.svd(first, full_matrices=True).Vh[-1:]  # a direction that the layer maps to 0
    assert (first @ blind.T).abs().max() < 1e-4
    seen = discriminator((smooth + 3 * blind).view(1, 1, 28, 28)) - discriminator(smooth.view(1, 1, 28, 28))
    assert seen.abs() > 1e-3


def test_training_takes_a_cheaper_tanh_of_the_same_values() -> None:
    """A training run whose images differ from the exported ones would be scored for another network."""
    values = torch.linspace(-12, 12, 4001, requires_grad=True)
    fast, plain = tanh(values, training=True), tanh(values, training=False)
    torch.testing.assert_close(fast, plain, rtol=0, atol=2e-7)
    gradients = [torch.autograd.grad(way.sum(), values)[0] for way in (fast, plain)]
    torch.testing.assert_close(*gradients, rtol=0, atol=5e-7)


@pytest.mark.parametrize("name", ["mlp", "conv", "resnet"])
def test_first_weights_are_those_that_the_recipe_names(name: str) -> None:
    """The article's networks need PyTorch's own: from He's they score half as much again."""
    for how in ("he", "pytorch"):
        changes: dict[str, object] = {
            f"{network}.{key}": value
            for network in ("generator", "discriminator")
            for key, value in (("initialisation", how), ("spectral_norm", False))
        }
        torch.manual_seed(0)
        pair = build_networks(change_recipe(load_recipe(name), changes), SampleSpec((1, 28, 28)))
        layers = [m for net in pair for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
        assert all(bool(layer.bias.any()) == (how == "pytorch") for layer in layers if layer.bias is not None)
        # PyTorch's are uniform to either side of 0, up to the root of the inverse of the number of inputs
        spreads = [float(layer.weight.detach().std()) * layer.weight[0].numel() ** 0.5 for layer in layers]
        assert (spreads == pytest.approx([3**-0.5] * len(layers), rel=0.3)) == (how == "pytorch")
