"""Which graphs are the same, what is known of all of them, and models that need no network."""

import networkx
import numpy as np
import pytest

from dropgan.evaluate.graphs.baselines import fit_blocks
from dropgan.evaluate.graphs.descriptors import clustering, degrees, spectrum, summaries
from dropgan.evaluate.graphs.evaluation import Space
from dropgan.evaluate.graphs.identity import graph_keys
from dropgan.evaluate.graphs.mmd import mmd
from dropgan.evaluate.graphs.molecules import PROPERTIES
from dropgan.evaluate.graphs.world import known_world
from dropgan.serve.graphs import to_networkx
from dropgan.train.data import GraphData
from dropgan.train.data.graph_limits import connected

from .conftest import permuted


def test_graphs_are_told_apart_exactly_up_to_seven_nodes(atlas: GraphData) -> None:
    """Coverage and copies would be counted wrongly."""
    keys = graph_keys(atlas.graphs)
    assert len(np.unique(keys)) == len(atlas) == 1252
    assert np.array_equal(keys, graph_keys(permuted(atlas.graphs)))


def test_types_count() -> None:
    """Two molecules of the same shape would be one."""
    chain = np.zeros((4, 4), np.uint8)
    chain[[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]] = 1
    first, second, third = (chain + np.diag(np.array(types, np.uint8)) for types in
                            ([1, 1, 1, 2], [1, 1, 2, 1], [2, 1, 1, 1]))  # fmt: skip
    double = first.copy()
    double[0, 1] = double[1, 0] = 2
    keys = graph_keys(np.stack([first, second, third, double])).tolist()
    assert keys[0] == keys[2]  # the same chain from its other end
    assert len({keys[0], keys[1], keys[3]}) == 3


def test_descriptors_are_networkxs(atlas: GraphData) -> None:
    """A score of another quantity under the same name."""
    some = atlas.graphs[[0, 5, 40, 700, 1251]]
    graphs = [to_networkx(graph) for graph in some]
    assert connected(some).tolist() == [networkx.is_connected(graph) for graph in graphs]
    histograms = degrees(some), clustering(some), spectrum(some)
    for place, graph in enumerate(graphs):
        degree = np.bincount([value for _, value in graph.degree()], minlength=7) / len(graph)
        assert np.allclose(histograms[0][place], degree)
        mean = sum(networkx.clustering(graph).values()) / len(graph)
        middles = (np.arange(32) + 0.5) / 32
        assert abs(histograms[1][place] @ middles - mean) < 1 / 32
        values = networkx.normalized_laplacian_spectrum(graph) if graph.size() else np.zeros(len(graph))
        assert abs(histograms[2][place] @ middles * 2 - values.mean()) < 2 / 32
        triangles = sum(networkx.triangles(graph).values()) // 3
        assert summaries(some, 1, 1)[place, :3].tolist() == [len(graph), graph.size(), triangles]
    assert all(abs(mmd(part, part)) < 0.3 for part in histograms)


def test_the_world_is_exact(atlas: GraphData) -> None:
    """100,000 even draws from all graphs cover them; draws from the training data reach no other."""
    world = known_world(atlas)
    assert world is not None
    assert (len(world.keys), bool(world.known.all())) == (1252, True)
    whole = atlas.graphs[connected(atlas.graphs) & (np.count_nonzero(atlas.graphs.diagonal(0, 1, 2), 1) == 7)]
    part = GraphData(whole[::2], "half")
    half = known_world(part)
    assert half is not None
    assert (len(half.keys), int(half.known.sum())) == (853, 427)
    random = np.random.default_rng(0)
    keys = graph_keys(whole)
    even = half.scores(keys[random.integers(0, 853, 100_000)])
    assert even["coverage"] == 1
    assert even["total_variation"] < 0.05
    copied = half.scores(graph_keys(part.graphs)[random.integers(0, 427, 100_000)])
    assert copied["held_out_coverage"] == 0
    assert copied["total_variation"] == pytest.approx(1 - 427 / 853, abs=0.01)
    assert half.scores(np.zeros(10, np.uint64)) == {
        "coverage": 0.0, "held_out_coverage": 0.0, "total_variation": 1.0,
    }  # fmt: skip


def test_baselines_are_fitted() -> None:
    """A badly fitted model is easily beaten."""
    random = np.random.default_rng(0)
    block = random.random((400, 8)) < 0.5
    density = np.where(
        block[:, :, None] & block[:, None], 0.95, np.where(block[:, :, None] | block[:, None], 0.1, 0.5)
    )
    edges = np.triu(random.random((400, 8, 8)) < density, 1).astype(np.uint8)
    data = GraphData(edges + edges.transpose(0, 2, 1) + np.eye(8, dtype=np.uint8), "blocks")
    plain, blocks = fit_blocks(data, 1), fit_blocks(data, 2)
    assert plain.edges[0, 0, 1] == pytest.approx(edges.sum() / (400 * 28), abs=0.01)
    found = sorted([blocks.edges[0, 0, 1], blocks.edges[0, 1, 1], blocks.edges[1, 1, 1]])
    assert np.allclose(found, [0.1, 0.5, 0.95], atol=0.08)
    made = blocks.sample(500, 1)
    assert GraphData(made, "made").shape == (8, 8)
    real, without = clustering(data.graphs), clustering(plain.sample(500, 1))
    assert mmd(clustering(made), real) < mmd(without, real)


def test_properties_are_of_molecules_all_over_a_file() -> None:
    """QM9 is sorted by size: samples were compared with its smallest fifth, and a perfect model was far off
    in weight."""
    pytest.importorskip("rdkit")
    sizes = np.repeat([2, 5], [4000, 2000])  # the larger chains at the end
    chains = np.zeros((len(sizes), 5, 5), np.uint8)
    nodes = np.arange(5)
    there = nodes < sizes[:, None]
    chains[:, nodes, nodes] = there
    chains[:, nodes[:-1], nodes[1:]] = chains[:, nodes[1:], nodes[:-1]] = there[:, 1:]
    data = GraphData(chains, "chains", ("C",), ("single",))
    fair = chains[np.random.default_rng(0).permutation(len(chains))]
    apart = Space(data).properties(fair)
    assert set(apart) == set(PROPERTIES)
    assert max(apart.values()) < 0.1
    assert Space(data).properties(chains[:3000])["molecular weight"] > 0.5
