"""Limits that samples keep to: beside slow, obvious implementations."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dropgan.evaluate import evaluate
from dropgan.export import export
from dropgan.serve import Generator
from dropgan.serve.graphs import to_smiles
from dropgan.serve.latents import LatentStream
from dropgan.serve.reporter import SILENT
from dropgan.train import change_recipe, load_recipe, train
from dropgan.train.data import GraphData, load_data, require_kind
from dropgan.train.data.graph_limits import connected, limits_of
from dropgan.train.kinds import training_kind
from dropgan.train.networks import build_networks
from dropgan.train.networks.graphs.discrete import types_of
from dropgan.train.networks.graphs.generators import MolGANGenerator
from dropgan.train.networks.graphs.limits import EdgeLimits
from dropgan.train.networks.spec import GraphTypes
from dropgan.train.run.trained import load_generator

from ..node_tools import project, require_node, run_module
from .test_models import SAMPLE

NODES, MOST, WEIGHTS = 7, (4, 3, 0), (2, 1, 3)
LEAST, LIGHTEST = 1, 2
TYPES = GraphTypes(3, 3, sizes_vary=True, edge_weights=WEIGHTS, most_edges=MOST, connected=True)


def _plainly(edges: NDArray[np.float32], kinds: NDArray[np.int64], joined: bool) -> NDArray[np.int64]:
    """One graph, edge by edge: `EdgeLimits` in its own words."""
    room = [(0, *MOST)[kind] for kind in kinds]
    best, wanted = edges[1:].argmax(0) + 1, edges[1:].max(0) - edges[0]
    tree: set[tuple[int, int]] = set()
    for node in range(1, NODES):
        free = [earlier for earlier in range(node) if kinds[earlier] and room[earlier] >= LEAST]
        if joined and kinds[node] and free and room[node] >= LEAST:
            other = max(free, key=lambda earlier: wanted[node, earlier])
            tree.add((other, node))
            room[other] -= LEAST
            room[node] -= LEAST
    made = np.zeros((NODES, NODES), np.int64)
    pairs = [(i, j) for i in range(NODES) for j in range(i + 1, NODES) if kinds[i] and kinds[j]]
    asked = {
        pair: WEIGHTS[best[pair] - 1] - LEAST * (pair in tree)
        for pair in pairs
        if wanted[pair] > 0 or pair in tree
    }
    for pair, takes in asked.items():
        # all that either end would rather have, and this one
        loads = [
            takes
            + sum(more for other, more in asked.items() if end in other and wanted[other] > wanted[pair])
            for end in pair
        ]
        fits = all(load <= room[end] for load, end in zip(loads, pair, strict=True))
        made[pair] = made[pair[::-1]] = best[pair] if fits else LIGHTEST * (pair in tree)
    return made


def _logits(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    edges = torch.randn(count, 4, NODES, NODES, generator=random)
    edges = (edges + edges.transpose(2, 3)) / 2
    return edges, torch.randn(count, 4, NODES, generator=random)


@pytest.mark.parametrize("joined", [True, False])
def test_edges_are_those_of_a_slow_obvious_implementation(joined: bool) -> None:
    """An edge too many, or a graph in two pieces, is a molecule that nobody can make."""
    edges, nodes = _logits(200)
    made = EdgeLimits(dataclasses.replace(TYPES, connected=joined))(edges, nodes)
    for graph, kinds, logits in zip(made.numpy(), nodes.argmax(1).numpy(), edges.numpy(), strict=True):
        assert np.array_equal(graph, _plainly(logits, kinds, joined))


def test_nothing_exceeds_the_limits() -> None:
    """Whatever the logits are, no node has more than its type may have, and enough carbon makes one piece."""
    edges, nodes = _logits(500)
    kinds = nodes.argmax(1)
    made = EdgeLimits(TYPES)(edges, nodes)
    assert torch.equal(made, made.transpose(1, 2))
    used = torch.tensor((0, *WEIGHTS))[made].sum(2)
    assert (used <= torch.tensor((0, *MOST))[kinds]).all()
    assert (used == torch.tensor((0, *MOST))[kinds]).any()
    carbon = torch.zeros_like(nodes)
    carbon[:, 1] = 1.0
    whole = EdgeLimits(TYPES)(edges - 3 * (torch.arange(4) > 0)[:, None, None], carbon)  # edges nobody wants
    assert connected((whole + torch.eye(NODES, dtype=torch.int64)).numpy().astype(np.uint8)).all()


def test_the_limits_are_those_of_the_data() -> None:
    """Limits that are too narrow would forbid what is in the data."""
    ring = np.array([[1, 2, 0, 1], [2, 1, 1, 0], [0, 1, 2, 3], [1, 0, 3, 1]], np.uint8)
    bonds = limits_of(ring[None], ("C", "N"), ("single", "double", "triple"))
    assert (bonds.weights, bonds.most, bonds.connected) == ((1, 2, 3), (4, 4), True)
    others = limits_of(ring[None], ("a", "b"), ("friend", "cousin", "boss"))
    assert (others.weights, others.most) == ((1, 1, 1), (2, 2))
    apart = ring * (1 - np.eye(4, k=1) - np.eye(4, k=-1) - np.eye(4, k=3) - np.eye(4, k=-3)).astype(np.uint8)
    assert not limits_of(np.stack((ring, apart)), ("C", "N"), ("single", "double", "triple")).connected
    atlas = require_kind(load_data("atlas:5", reporter=SILENT), GraphData)
    assert (atlas.limits.most, atlas.limits.connected) == ((4,), True)
    assert not require_kind(load_data("atlas", reporter=SILENT), GraphData).limits.connected


@pytest.fixture(scope="module")
def molecules() -> GraphData:
    """Rings and chains of C, N and O with all kinds of bonds."""
    ring = np.array(
        [[1, 2, 0, 0, 1], [2, 1, 1, 0, 0], [0, 1, 2, 2, 0], [0, 0, 2, 1, 1], [1, 0, 0, 1, 3]], np.uint8
    )
    chain = np.array([[1, 3, 0, 0], [3, 1, 1, 0], [0, 1, 1, 2], [0, 0, 2, 3]], np.uint8)
    graphs = np.stack([ring, np.pad(chain, ((0, 1), (0, 1)))] * 16)
    return GraphData(graphs, "molecules", ("C", "N", "O"), ("single", "double", "triple"))


@pytest.fixture(scope="module")
def model(molecules: GraphData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of recipe ``molecules`` after a few steps; its run is beside it."""
    folder = tmp_path_factory.mktemp("limits")
    settings = {
        "training.steps": 6,
        "training.batch_size": 8,
        "generator.hidden": [16],
        "discriminator.hidden": [8],
    }
    train(folder / "run", "molecules", data=molecules, settings=settings, device="cpu", reporter=SILENT)
    export(folder / "run", folder / "model.onnx", reporter=SILENT)
    return folder / "model.onnx"


def test_the_file_keeps_to_the_limits(model: Path, molecules: GraphData) -> None:
    """After six steps a network knows nothing of chemistry, and every molecule is possible."""
    generator = Generator(model, device="cpu")
    made = generator.sample(2000, seed=1)
    assert connected(made).all()
    nodes = np.diagonal(made, axis1=1, axis2=2)
    bonds = np.where(np.eye(5, dtype=bool), 0, made).sum(2)
    assert (bonds <= np.array((0, *molecules.limits.most))[nodes]).all()
    assert len(np.unique(made, axis=0)) > 20
    assert generator.card.export.parity.max_difference == 0
    trained = load_generator(model.parent / "run")
    latents = torch.from_numpy(LatentStream(trained.recipe.generator.latent_dim)(2000, seed=1))
    with torch.inference_mode():
        assert np.array_equal(
            made, types_of(trained.module(latents), GraphTypes(3, 3, sizes_vary=True)).numpy()
        )


def test_the_report_draws_molecules_as_chemists_do(model: Path, molecules: GraphData, tmp_path: Path) -> None:
    """Atoms on a circle say nothing to a chemist."""
    pytest.importorskip("rdkit.Chem.Draw.rdMolDraw2D", exc_type=ImportError)
    report = tmp_path / "report.html"
    evaluate(model, data=molecules, samples=200, report=report, reporter=SILENT)
    page = report.read_text("utf-8")
    made = Generator(model, device="cpu").sample(1, seed=1)
    (smiles,) = to_smiles(made, molecules.node_types, molecules.edge_types)
    assert f'title="{smiles}"' in page
    assert "data:image/svg+xml;base64," in page
    assert "on a circle" not in page


def test_javascript_keeps_to_them_too(model: Path, tmp_path: Path) -> None:
    """A page would show other molecules than the report."""
    require_node()
    made = run_module(project(tmp_path, "onnxruntime-node"), SAMPLE, model)
    assert made["types"] == Generator(model, device="cpu").sample(70, seed=3, start=5).ravel().tolist()


def test_training_sees_what_the_file_makes(molecules: GraphData) -> None:
    """The discriminator would otherwise judge molecules that nobody gets; and its gradient must reach the
    edges that there was no room for."""
    spec = training_kind("graphs").spec((5, 5), 0, training_kind("graphs").about(molecules))
    torch.manual_seed(0)
    generator, discriminator = build_networks(
        change_recipe(load_recipe("molecules"), {"generator.hidden": [16], "generator.dropout": 0.0}), spec
    )
    assert isinstance(generator, MolGANGenerator)
    assert spec.graphs is not None
    latents = torch.randn(32, 16, generator=torch.Generator().manual_seed(0))
    made = generator.train()(latents)
    assert torch.equal(
        types_of(made.detach(), spec.graphs), types_of(generator.eval()(latents).detach(), spec.graphs)
    )
    discriminator(made).sum().backward()
    with torch.autocast("cpu", torch.bfloat16):  # what `auto` takes on processors that have it, and GPUs
        rounded = types_of(generator.train()(latents).detach(), spec.graphs).numpy()
    assert connected(rounded).all()
    nodes = np.diagonal(rounded, axis1=1, axis2=2)
    bonds = np.where(np.eye(5, dtype=bool), 0, rounded).sum(2)
    assert (bonds <= np.array((0, *molecules.limits.most))[nodes]).all()
    gradient = generator.edges.weight.grad
    assert gradient is not None
    assert (gradient.view(4, 10, -1).abs().sum(2) > 0).all()
