"""Small generators of every architecture that there is, and one that uses more kinds of layer."""

from typing import Any

import torch
from torch import Tensor, nn

from dropgan.train.networks import SampleSpec, build_networks
from dropgan.train.recipes import Recipe, change_recipe, load_recipe

LATENT_DIM = 16


class Convolutions(nn.Module):
    """Batch norms behind a dense layer, a transposed and a plain convolution, resizing, Dropout2d."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.first = nn.Linear(LATENT_DIM, 8 * 9)
        self.first_norm = nn.BatchNorm2d(8)
        self.body = nn.Sequential(
            nn.ReLU(),
            nn.Dropout2d(0.3),
            nn.ConvTranspose2d(8, 8, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(8, 6, 3, padding=1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(),
        )
        self.last = nn.Conv2d(6, channels, 3, padding=1)
        _as_if_trained(self)

    def forward(self, latents: Tensor) -> Tensor:
        images: Tensor = self.first_norm(self.first(latents).view(-1, 8, 3, 3))
        return self.last(self.body(images)).tanh()


def _as_if_trained(network: nn.Module) -> None:
    """Batch norms that do something; biases, which the exporter leaves out where they are 0."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias)
        elif isinstance(part, nn.Linear | nn.Conv2d) and part.bias is not None:
            nn.init.normal_(part.bias, std=0.1)


def small_recipe(**changes: Any) -> Recipe:
    """The seed recipe with a generator that exports in a second."""
    return change_recipe(
        load_recipe("seed"), {"generator.latent_dim": LATENT_DIM, "generator.hidden": [24, 32], **changes}
    )


def mlp(shape: tuple[int, int, int] = (1, 8, 8), **changes: Any) -> nn.Module:
    """The architecture `mlp`, freshly initialised and in eval mode."""
    torch.manual_seed(0)
    generator, _ = build_networks(small_recipe(**changes), SampleSpec(shape))
    return generator.eval()


def convolutions(channels: int = 3) -> nn.Module:
    """`Convolutions` in eval mode."""
    torch.manual_seed(0)
    return Convolutions(channels).eval()


def images_of(recipe: str, shape: tuple[int, int, int] = (3, 9, 14)) -> nn.Module:
    """A small generator of a recipe with convolutions, in eval mode; 9x14 is cut out of 12x16."""
    torch.manual_seed(0)
    settings = {"generator.latent_dim": LATENT_DIM, "generator.hidden": [12, 8], "discriminator.hidden": [8]}
    generator, _ = build_networks(change_recipe(load_recipe(recipe), settings), SampleSpec(shape))
    _as_if_trained(generator)
    return generator.eval()
