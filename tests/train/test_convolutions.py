"""Architectures of convolutions: any size of image, the settings that recipes give them, learning."""

from typing import Any

import pytest
import torch
from torch import nn

from dropgan.train import change_recipe, load_recipe
from dropgan.train.networks import SampleSpec, build_networks
from dropgan.train.networks.conv import GreyStridedConv, StemConv
from dropgan.train.networks.dropout import ChannelDropout, Dropout
from dropgan.train.networks.grid import pyramid
from dropgan.train.recipes.settings import Recipe

NAMES = ("conv", "resnet", "dcgan", "r3gan", "graph")
SMALL: dict[str, Any] = {"generator.hidden": [8, 6], "discriminator.hidden": [6, 8]}


def small(name: str, **changes: Any) -> Recipe:
    return change_recipe(load_recipe(name), {**SMALL, **changes})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (1, 28, 28), (3, 9, 14), (1, 17, 33), (3, 32, 32), (3, 128, 96), (1, 4, 4)]
)
def test_any_size_of_image(name: str, shape: tuple[int, int, int]) -> None:
    """Odd and oblong sizes, 4 to 128 pixels, grey and colour: tanh images of this shape, one logit each."""
    recipe = small(name)
    generator, discriminator = build_networks(recipe, SampleSpec(shape))
    images = generator(torch.randn(3, recipe.generator.latent_dim))
    assert images.shape == (3, *shape)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (3, 1)


@pytest.mark.parametrize(
    ("shape", "widths", "first", "full"),
    [
        ((1, 28, 28), (8, 4), (7, 7), (28, 28)),
        ((1, 9, 14), (8, 4), (3, 4), (12, 16)),
        ((3, 33, 8), (8, 8, 4), (5, 1), (40, 8)),
        ((3, 128, 128), (8, 8, 8, 4), (8, 8), (128, 128)),
    ],
)
def test_resolutions(
    shape: tuple[int, int, int], widths: tuple[int, ...], first: tuple[int, int], full: tuple[int, int]
) -> None:
    """As docs/training.md says: rounded up, and no coarsest grid of more than 8 cells a side."""
    found = pyramid((8, 4), SampleSpec(shape))
    assert (found.widths, found.first, found.full) == (widths, first, full)


@pytest.mark.parametrize("name", NAMES)
def test_every_pixel_counts(name: str) -> None:
    """The generator makes, and the discriminator sees, the right and lower edges of odd sizes too."""
    torch.manual_seed(0)
    recipe = small(name)
    generator, discriminator = build_networks(recipe, SampleSpec((1, 9, 14)))
    images = generator.eval()(torch.randn(8, recipe.generator.latent_dim)).detach()
    assert images.std(0).min() > 1e-3
    images.requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator.eval()(images).sum(), images)
    assert gradient.abs().amax(0).min() > 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["element", "channel"])
def test_dropout_after_every_hidden_layer(name: str, kind: str) -> None:
    """As many as there are hidden layers, dense ones included; with "last" just one."""
    changes = {"normalisation": "none", "dropout_kind": kind, "dropout": 0.25, "dense": [8]}
    for layers in ("all", "last"):
        settings = {**changes, "dropout_layers": layers}
        recipe = small(
            name, **{f"{net}.{k}": v for net in ("generator", "discriminator") for k, v in settings.items()}
        )
        stem = int(getattr(recipe.discriminator, "stem", 0) not in (0, "colour"))  # grey pictures
        # of r3gan three resolutions, two blocks each, two hidden layers a block; of graph two in its layer
        width = {"r3gan": 13, "graph": 5}.get(name, 3)
        for network, hidden in zip(
            build_networks(recipe, SampleSpec((1, 28, 28))), (width, width + stem), strict=True
        ):
            drops = [part for part in network.modules() if isinstance(part, Dropout | ChannelDropout)]
            assert len(drops) == (hidden if layers == "all" else 1)
            assert all(isinstance(part, ChannelDropout) == (kind == "channel") for part in drops)
            assert {part.p for part in drops} == {0.25}


def test_dcgan_is_the_published_one() -> None:
    """At 64x64: 4x4 to 32x32 with 1024 to 128 channels; batch norm everywhere but at both images."""
    generator, discriminator = build_networks(load_recipe("dcgan"), SampleSpec((3, 64, 64)))
    norms = [
        [p.num_features for p in net.modules() if isinstance(p, nn.BatchNorm2d)]
        for net in (generator, discriminator)
    ]
    assert norms == [[1024, 512, 256, 128], [256, 512, 1024]]
    strided = [part for part in discriminator.modules() if isinstance(part, nn.Conv2d)]
    assert [(layer.in_channels, layer.out_channels, layer.stride) for layer in strided] == [
        (inputs, outputs, (2, 2)) for inputs, outputs in ((3, 128), (128, 256), (256, 512), (512, 1024))
    ]
    assert discriminator.output.in_features == 1024 * 4 * 4
    assert generator.first.out_features == 1024 * 4 * 4


@pytest.mark.parametrize("name", ["conv", "resnet"])
def test_signals_keep_their_size(name: str) -> None:
    """Untrained images are neither flat nor saturated: either would stall the first steps."""
    torch.manual_seed(0)
    recipe = change_recipe(load_recipe(name), {"generator.dropout": 0.0})
    generator, _ = build_networks(recipe, SampleSpec((3, 64, 64)))
    with torch.no_grad():
        images = generator(torch.randn(16, recipe.generator.latent_dim))
    assert 0.2 < images.std() < 0.9


@pytest.mark.parametrize("name", NAMES)
def test_labels_reach_both_networks(name: str) -> None:
    """A conditional model that ignored its labels would look fine in every other test."""
    torch.manual_seed(0)
    recipe = small(name, conditional=True)
    generator, discriminator = (
        net.eval() for net in build_networks(recipe, SampleSpec((1, 12, 12), classes=3))
    )
    latents, labels = torch.randn(1, recipe.generator.latent_dim).expand(3, -1), torch.arange(3)
    images = generator(latents, labels)
    assert min((images[i] - images[j]).abs().max() for i, j in ((0, 1), (0, 2), (1, 2))) > 1e-3
    logits = discriminator(images[:1].expand(3, -1, -1, -1), labels)
    assert len({round(float(x), 6) for x in logits.detach()}) == 3


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_counted_once(name: str) -> None:
    """A layer that is built and never used would cost memory for nothing."""
    recipe = small(name)
    generator, discriminator = build_networks(recipe, SampleSpec((1, 12, 12)))
    discriminator(generator(torch.randn(4, recipe.generator.latent_dim))).sum().backward()
    for network in (generator, discriminator):
        assert [n for n, weight in network.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize(
    ("layer", "plain"),
    [
        (StemConv(1, 4, 3, padding=1), nn.Conv2d(1, 4, 3, padding=1)),
        (StemConv(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)),
        (GreyStridedConv(4), nn.Conv2d(1, 4, 4, 2, 1)),
    ],
    ids=["grey stem", "colour stem", "grey strided"],
)
def test_the_first_layer_is_a_convolution(layer: nn.Conv2d, plain: nn.Conv2d) -> None:
    """A grey one is computed in another way, and would be another network if that were wrong: its output, and
    the first and second derivatives that training and R1 take."""
    layer, plain = layer.double(), plain.double()
    plain.load_state_dict(layer.state_dict())
    made = []
    for one in (layer, plain):
        channels = one.in_channels
        samples = torch.linspace(-1, 1, 2 * channels * 48, dtype=torch.float64).view(2, channels, 6, 8)
        samples.requires_grad_()
        logit = one(samples).tanh().square().sum()
        slope, *first = torch.autograd.grad(logit, (samples, *one.parameters()), create_graph=True)
        second = torch.autograd.grad(slope.square().sum(), tuple(one.parameters()))
        made.append((logit, slope, *first, *second))
    torch.testing.assert_close(*made, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("stem", "grey", "colour"), [("auto", 8, 16), ("colour", 0, 16), (0, 0, 0), (5, 5, 5)]
)
def test_who_has_a_stem(stem: int | str, grey: int, colour: int) -> None:
    """Colour needs one, or its pictures get a checkerboard; in grey it costs time for nothing."""
    recipe = change_recipe(load_recipe("conv"), {"discriminator.stem": stem})
    for channels, wanted in ((1, grey), (3, colour)):
        first = next(
            layer
            for layer in build_networks(recipe, SampleSpec((channels, 16, 16)))[1].modules()
            if isinstance(layer, nn.Conv2d)
        )
        assert isinstance(first, StemConv) == (wanted > 0)
        assert first.in_channels == channels
        assert not wanted or first.out_channels == wanted


@pytest.mark.parametrize(("channels", "finest"), [(1, 8), (3, 4), (1, 0)])
def test_a_layer_at_full_resolution(channels: int, finest: int) -> None:
    """It draws from its own channels what blocks of 2x2 pixels cannot hold."""
    recipe = change_recipe(load_recipe("conv"), {"generator.finest": finest})
    generator, _ = build_networks(recipe, SampleSpec((channels, 20, 24)))
    grids: list[torch.Size] = []
    for layer in generator.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda _, given, __: grids.append(given[0].shape[1:]))
    images = generator(torch.randn(2, recipe.generator.latent_dim))
    assert images.shape == (2, channels, 20, 24)
    full = [grid for grid in grids if grid[1:] == (20, 24)]
    assert full == ([(finest, 20, 24)] if finest else [])
