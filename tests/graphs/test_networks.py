"""The networks of graphs: symmetries, and slow obvious implementations beside them."""

import dataclasses

import numpy as np
import pytest
import torch

from dropgan.train import RecipeError, change_recipe, load_recipe
from dropgan.train.networks import SampleSpec, build_networks
from dropgan.train.networks.build import require_architectures_fit
from dropgan.train.networks.graphs.discrete import discretised, one_hot, types_of
from dropgan.train.networks.graphs.generators import EquivariantGenerator
from dropgan.train.networks.graphs.rgcn import RelationalConvolution, RGCNDiscriminator
from dropgan.train.networks.spec import GraphTypes

from .conftest import permuted

NODES, TYPES = 6, GraphTypes(3, 2, sizes_vary=True)
SPEC = SampleSpec((TYPES.channels, NODES, NODES), graphs=TYPES, described="graphs of up to 6 nodes")


def _networks(architecture: str, **changes: object) -> tuple[torch.nn.Module, torch.nn.Module]:
    torch.manual_seed(0)
    settings = {
        "architecture": architecture, "generator.hidden": [12, 12], "discriminator.hidden": [10, 10],
        "discriminator.walks": 4, "generator.latent_dim": 40, **changes,
    }  # fmt: skip
    return build_networks(change_recipe(load_recipe("graphs"), settings), SPEC)


def _graphs(count: int = 20) -> np.ndarray:
    random = np.random.default_rng(1)
    nodes = random.integers(0, 4, (count, NODES))
    nodes[:, 0] = 1
    edges = np.triu(random.integers(0, 3, (count, NODES, NODES)), 1)
    edges = (edges + edges.transpose(0, 2, 1)) * (nodes[:, :, None] > 0) * (nodes[:, None] > 0)
    return (edges + nodes[:, :, None] * np.eye(NODES, dtype=np.int64)).astype(np.uint8)


def test_the_discriminator_does_not_see_the_order_of_nodes() -> None:
    """It would learn the order in which files list nodes, which means nothing."""
    _, discriminator = _networks("molgan")
    discriminator.eval()
    graphs = _graphs()
    one, other = (
        discriminator(one_hot(torch.from_numpy(some), TYPES)) for some in (graphs, permuted(graphs))
    )
    assert torch.allclose(one, other, atol=1e-5)
    assert one.std() > 1e-3  # and yet it tells graphs apart


def test_a_relational_convolution_is_the_sum_over_neighbours() -> None:
    """Node by node and edge by edge, as in equation 2 of Schlichtkrull et al."""
    _, discriminator = _networks("molgan")
    assert isinstance(discriminator, RGCNDiscriminator)
    discriminator.eval()
    layer = discriminator.body[1]
    assert isinstance(layer, RelationalConvolution)
    graphs = _graphs(5)
    samples, random = one_hot(torch.from_numpy(graphs), TYPES), torch.Generator().manual_seed(0)
    features = torch.randn(5, NODES, 10, generator=random)
    made = layer(features, samples[:, 1:3])
    for graph in range(5):
        for node in range(NODES):
            summed = layer.own.weight @ features[graph, node] + layer.own.bias
            for other in range(NODES):
                kind = int(graphs[graph, node, other])
                if other != node and kind:
                    summed = summed + layer.relations[kind - 1].weight @ features[graph, other] / 2
            expected = torch.where(summed > 0, summed, 0.2 * summed)
            assert torch.allclose(made[graph, node], expected, atol=1e-5)


@pytest.mark.parametrize("size", [40, 23, 8])
def test_the_equivariant_generator_follows_the_order_of_its_latent(size: int) -> None:
    """Orders of the same graph would not be equally likely, and the discriminator could not tell; with a
    small latent, too, whose pairs have no part of their own."""
    generator, _ = _networks("equivariant", **{"generator.latent_dim": size})
    assert isinstance(generator, EquivariantGenerator)
    generator.eval()
    of_node, of_pair, pairs = generator.of_node, generator.of_pair, NODES * (NODES - 1) // 2
    assert (of_pair > 0) == (size > 20)
    latents = torch.randn(3, size, generator=torch.Generator().manual_seed(0))
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    first, second = of_node * NODES, of_node * NODES + of_pair * pairs
    nodes = latents[:, :first].view(3, NODES, of_node)[:, order]
    whole = latents[:, first:second].view(3, pairs, of_pair)[:, generator.places]
    whole = whole.view(3, NODES, NODES, of_pair)[:, order][:, :, order]
    rows, columns = torch.triu_indices(NODES, NODES, 1)
    renamed = torch.cat((nodes.flatten(1), whole[:, rows, columns].flatten(1), latents[:, second:]), 1)
    expected = generator(latents)[:, :, order][:, :, :, order]
    assert torch.allclose(generator(renamed), expected, atol=1e-5)


@pytest.mark.parametrize("architecture", ["molgan", "equivariant"])
def test_training_sees_graphs_as_the_file_gives_them(architecture: str) -> None:
    """The discriminator would otherwise judge what nobody gets; and there must be a gradient."""
    generator, discriminator = _networks(architecture, **{"generator.dropout": 0.0})
    latents = torch.randn(16, 40, generator=torch.Generator().manual_seed(0))
    made = generator.train()(latents)
    types = types_of(made.detach(), TYPES)
    assert torch.equal(one_hot(types, TYPES), made.detach())  # one 1 a place; absent nodes have no edges
    assert torch.equal(types, types.transpose(1, 2))
    assert torch.equal(types, types_of(generator.eval()(latents).detach(), TYPES))
    generator.train()
    discriminator(generator(latents)).sum().backward()
    gradients = [weight.grad for weight in generator.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
    assert sum(float(gradient.abs().sum()) for gradient in gradients if gradient is not None) > 0


@pytest.mark.parametrize("architecture", ["molgan", "equivariant"])
def test_sizes_are_those_of_the_data(architecture: str) -> None:
    """A generator that learns sizes ends with empty graphs; classes would mix up theirs."""
    rows = ((0, 10, 0, 30, 0, 60), (0, 0, 5, 0, 0, 0))
    types = dataclasses.replace(TYPES, sizes=rows)
    spec = dataclasses.replace(SPEC, graphs=types, classes=2)
    settings = {"architecture": architecture, "generator.hidden": [8, 8], "generator.latent_dim": 40}
    torch.manual_seed(0)
    generator, _ = build_networks(change_recipe(load_recipe("graphs"), settings), spec)
    random = torch.Generator().manual_seed(0)
    latents, labels = torch.randn(8000, 40, generator=random), torch.arange(8000) % 2
    graphs = types_of(generator.eval()(latents, labels).detach(), types)
    there = torch.diagonal(graphs, dim1=1, dim2=2) > 0
    sizes = there.sum(1)
    assert torch.equal(there, torch.arange(NODES) < sizes[:, None])  # the first nodes are there
    for number, row in enumerate(rows):
        made = torch.bincount(sizes[labels == number] - 1, minlength=NODES) / 4000
        assert torch.allclose(made, torch.tensor(row) / sum(row), atol=0.03), made


def test_a_generator_begins_with_the_types_of_the_data() -> None:
    """Rare types would be as frequent as carbon, and edges everywhere."""
    torch.manual_seed(0)
    types = dataclasses.replace(
        TYPES, sizes_vary=False, node_shares=(0.0, 0.9, 0.08, 0.02), edge_shares=(0.8, 0.15, 0.05)
    )
    spec = dataclasses.replace(SPEC, graphs=types)
    for architecture in ("molgan", "equivariant"):
        settings = {"architecture": architecture, "generator.latent_dim": 40}
        generator, _ = build_networks(change_recipe(load_recipe("graphs"), settings), spec)
        graphs = types_of(generator.eval()(torch.randn(2000, 40)).detach(), types)
        nodes = torch.diagonal(graphs, dim1=1, dim2=2)
        edges = graphs[:, *torch.triu_indices(NODES, NODES, 1)]
        assert (nodes == 1).float().mean() > 0.7
        assert (edges == 0).float().mean() > 0.6


def test_gumbel_noise_draws_by_probability() -> None:
    """A type that is twice as likely would not be drawn twice as often, or not alike in both directions."""
    torch.manual_seed(0)
    edges = torch.log(torch.tensor([1.0, 2.0])).view(1, 2, 1, 1).expand(20_000, 2, 2, 2)
    nodes = torch.tensor([-1e4, 0.0]).view(1, 2, 1).expand(20_000, 2, 2)
    made = discretised(edges, nodes, temperature=1.0, noise=True)
    assert torch.equal(made, made.transpose(2, 3))
    assert abs(float(made[:, 1, 0, 1].mean()) - 2 / 3) < 0.02


def test_graphs_have_networks_of_their_own() -> None:
    """Pictures given to a recipe of graphs, or the reverse, end before training does."""
    with pytest.raises(RecipeError, match=r"molgan is not for grey pictures.*: use a recipe"):
        require_architectures_fit(load_recipe("graphs"), SampleSpec((1, 28, 28), described="grey pictures"))
    with pytest.raises(RecipeError, match=r"mlp is not for graphs of up to 6 nodes.*molgan or equivariant"):
        require_architectures_fit(load_recipe("mlp"), SPEC)
    with pytest.raises(RecipeError, match=r"latent_dim 5 is too small.* needs 6"):
        _networks("equivariant", **{"generator.latent_dim": 5})
