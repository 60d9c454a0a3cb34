"""Graphs from files and libraries, and what is refused."""

from pathlib import Path

import networkx
import numpy as np
import pytest

from dropgan.serve.graphs import to_networkx
from dropgan.serve.reporter import Reporter
from dropgan.train import DataError, DataOptions
from dropgan.train.data import GraphData, load_data


def _noting(notes: list[str]) -> Reporter:
    return Reporter(note=notes.append)


def test_the_atlas_is_complete(atlas: GraphData) -> None:
    """Coverage would be measured against another world than the one that is there."""
    assert atlas.sizes == {1: 1, 2: 2, 3: 4, 4: 11, 5: 34, 6: 156, 7: 1044}
    assert len(load_data("atlas:7")) == 853


def test_a_graph_comes_back_as_it_went_in(atlas: GraphData) -> None:
    """A graph whose edges are moved is another graph, and nobody would see it."""
    for number in (5, 300, 1251):
        expected = networkx.graph_atlas(number + 1)
        made = to_networkx(atlas.graphs[number])
        assert (set(made.nodes), set(made.edges)) == (set(expected.nodes), set(expected.edges))


def test_how_frequent_types_and_sizes_are(atlas: GraphData) -> None:
    """A generator begins with them, and draws sizes as they are; counted wrongly, it makes other graphs."""
    part = GraphData(
        atlas.graphs[:8], "part", labels=np.array([0, 0, 0, 0, 0, 0, 0, 1]), class_names=("a", "b")
    )
    sizes = [graph.number_of_nodes() for graph in networkx.graph_atlas_g()[1:9]]
    edges = [graph.number_of_edges() for graph in networkx.graph_atlas_g()[1:9]]
    assert part.sizes_of_classes.tolist() == [
        [sizes[:7].count(size) for size in range(1, 8)], [sizes[7:].count(size) for size in range(1, 8)]
    ]  # fmt: skip
    nodes, pairs = part.shares
    assert nodes[1] == pytest.approx(sum(sizes) / (8 * 7))
    assert pairs[1] == pytest.approx(sum(edges) / sum(size * (size - 1) / 2 for size in sizes))


def test_files_of_graphs(tmp_path: Path) -> None:
    """graph6, and folders of GraphML, GML and edge lists, types included."""
    ring, star = networkx.cycle_graph(5), networkx.star_graph(3)
    (tmp_path / "some.g6").write_bytes(
        networkx.to_graph6_bytes(ring) + networkx.to_graph6_bytes(star, header=False)
    )
    data = load_data(str(tmp_path / "some.g6"))
    assert isinstance(data, GraphData)
    assert data.sizes == {4: 1, 5: 1}
    folder = tmp_path / "folder"
    folder.mkdir()
    typed = networkx.Graph()
    typed.add_node("a", type="hub")
    typed.add_node("b", type="leaf")
    typed.add_edge("a", "b", type="wire")
    networkx.write_graphml(typed, folder / "1.graphml")
    networkx.write_gml(ring, folder / "2.gml")
    networkx.write_edgelist(star, folder / "10.edgelist")
    data = load_data(str(folder))
    assert isinstance(data, GraphData)
    assert (data.node_types, data.edge_types) == (("hub", "leaf", "node"), ("edge", "wire"))
    assert [np.count_nonzero(np.diagonal(graph)) for graph in data.graphs] == [2, 5, 4]
    assert data.graphs[0, :2, :2].tolist() == [[1, 2], [2, 2]]


def test_graphs_in_memory_and_in_arrays(tmp_path: Path, atlas: GraphData) -> None:
    """What a program holds, and what sampling writes, can be trained on."""
    data = load_data([networkx.path_graph(3), networkx.complete_graph(4)])
    assert isinstance(data, GraphData)
    assert data.shape == (4, 4)
    np.savez(tmp_path / "some.npz", graphs=atlas.graphs, node_types=["person"])
    data = load_data(str(tmp_path / "some.npz"))
    assert isinstance(data, GraphData)
    assert data.node_types == ("person",)
    np.save(tmp_path / "some.npy", atlas.graphs)
    notes: list[str] = []
    data = load_data(str(tmp_path / "some.npy"), reporter=_noting(notes))
    assert isinstance(data, GraphData)  # and it is said
    assert ["read as graphs" in note for note in notes] == [True]
    assert data.fingerprint == atlas.fingerprint


def _unfit(tmp_path: Path) -> Path:
    graphs = [networkx.path_graph(3), networkx.complete_graph(4), networkx.path_graph(9)]
    looped = networkx.Graph([(0, 0), (0, 1)])
    for number, graph in enumerate([*graphs, networkx.DiGraph([(0, 1)]), looped]):
        networkx.write_graphml(graph, tmp_path / f"{number}.graphml")
    several = networkx.MultiGraph([(0, 1), (0, 1)])
    networkx.write_graphml(several, tmp_path / "5.graphml")
    (tmp_path / "6.graphml").write_text("<graphml")
    return tmp_path


def test_unfit_graphs_are_counted_named_and_left_out(tmp_path: Path) -> None:
    """Fewer graphs than the user thinks, and no word of it."""
    notes: list[str] = []
    data = load_data(str(_unfit(tmp_path)), options=DataOptions(size=8), reporter=_noting(notes))
    assert len(data) == 2
    (note,) = notes
    assert "skipped 5 graphs: " in note
    assert "2.graphml, 3.graphml, 4.graphml" in note
    with pytest.raises(DataError, match=r"2.graphml has more than 8 nodes \(leave out --strict"):
        load_data(str(tmp_path), options=DataOptions(size=8, strict=True))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("3", "is directed"),
        ("4", "an edge to itself"),
        ("5", "several edges between"),
        ("6", "cannot be read"),
    ],
)
def test_each_unfit_graph_says_why(tmp_path: Path, name: str, reason: str) -> None:
    """One line that says what is wrong with which file."""
    folder = _unfit(tmp_path)
    for file in folder.iterdir():
        if file.stem not in ("0", "1", name):
            file.unlink()
    with pytest.raises(DataError, match=f"{name}.graphml .*{reason}"):
        load_data(str(folder), options=DataOptions(strict=True))


@pytest.mark.parametrize(
    ("graphs", "reason"),
    [
        (np.array([[[1, 1], [0, 1]], [[1, 0], [0, 1]]]), "graph 0 is directed"),
        (np.array([[[1, 0], [0, 1]], [[1, 1], [1, 0]]]), "graph 1 has an edge to no node"),
        (np.array([[[1, 0], [0, 1]], [[0, 0], [0, 0]]]), "graph 1 has no nodes"),
        (np.array([[[1, 0], [0, 1]], [[2, 0], [0, 1]]]), "graph 1 has a node of a type above 1"),
        (np.array([[[1, 0], [0, 1]], [[1, 7], [7, 1]]]), "graph 1 has an edge of a type above 1"),
        (np.array([[[1, 0], [0, 1]]] * 3), "all 3 graphs are the same"),
        (np.array([[[1, 0], [0, 1]]]), "training needs at least 2"),
        (np.ones((3, 65, 65)), "largest graph has 65 nodes"),
        (np.ones((3, 2, 3)), r"uint8 of shape \[n, nodes, nodes\]"),
    ],
)
def test_matrices_that_are_no_graphs(graphs: np.ndarray, reason: str) -> None:
    """A network would learn something else than the user has."""
    with pytest.raises(DataError, match=reason):
        GraphData(graphs.astype(np.uint8), "some")


def test_what_is_left_out_adds_up(tmp_path: Path) -> None:
    """A user would take the reasons that are named for all that there are; --size is for graphs too."""
    reasons = [networkx.DiGraph([(0, 1)]), networkx.DiGraph([(1, 0)]), networkx.path_graph(9)]
    reasons += [networkx.Graph([(0, 0), (0, 1)]), networkx.MultiGraph([(0, 1), (0, 1)])]
    for number, graph in enumerate([networkx.path_graph(3), networkx.cycle_graph(4), *reasons]):
        networkx.write_graphml(graph, tmp_path / f"{number}.graphml")
    notes: list[str] = []
    load_data(str(tmp_path), options=DataOptions(size=8), reporter=_noting(notes))
    assert "skipped 5 graphs: 2 that are directed, 1 that " in notes[0]
    assert ", and 1 for other reasons (first 2.graphml" in notes[0]
    with pytest.raises(DataError, match="holds graphs: --colour and --grey are for images"):
        load_data("atlas:5", options=DataOptions(colour="grey"))


def test_an_empty_file(tmp_path: Path) -> None:
    """Nothing to train on, in one line."""
    (tmp_path / "none.g6").write_bytes(b"")
    with pytest.raises(DataError, match=r"none.g6: 0 graph\(s\) found"):
        load_data(str(tmp_path / "none.g6"))


class TestMolecules:
    """With rdkit."""

    @pytest.fixture(autouse=True)
    def _rdkit(self) -> None:
        pytest.importorskip("rdkit", reason="the extra dropgan[molecules] is not installed")

    def test_smiles_come_back(self, tmp_path: Path) -> None:
        """A bond or a charge that is lost makes another molecule."""
        from dropgan.serve.graphs import to_smiles

        texts = ["CCO", "c1ccccc1", "C#N", "C[N+](C)(C)CC([O-])=O", "FC(F)F"]
        (tmp_path / "some.smi").write_text("".join(f"{text} name\n" for text in texts))
        data = load_data(str(tmp_path / "some.smi"))
        assert isinstance(data, GraphData)
        assert data.node_types == ("C", "F", "N", "N+", "O", "O-")
        from rdkit import Chem

        expected = [Chem.MolToSmiles(Chem.MolFromSmiles(text)) for text in texts]
        found = to_smiles(data.graphs, data.node_types, data.edge_types)
        assert [Chem.CanonSmiles(text or "") for text in found] == expected

    def test_what_is_no_molecule_is_counted(self, tmp_path: Path) -> None:
        """Unparseable text, unknown atoms, salts: counted and named, or fatal with --strict."""
        rows = ["smiles,name", "CCO,a", "not smiles,b", "*C,c", "CC.O,d", "CCN,e"]
        table = tmp_path / "some.csv"
        table.write_text("\n".join(rows) + "\n")
        notes: list[str] = []
        data = load_data(f"{table}:smiles", reporter=_noting(notes))
        assert len(data) == 2
        assert "skipped 3 graphs" in notes[0]
        assert "1 that is SMILES that cannot be parsed" in notes[0]
        assert "1 that has an unknown atom" in notes[0]
        with pytest.raises(DataError, match=r"molecule 1 \(not smiles\) is SMILES that cannot be parsed"):
            load_data(f"{table}:smiles", options=DataOptions(strict=True))
        with pytest.raises(DataError, match="has no column smile: it has smiles, name"):
            load_data(f"{table}:smile")

    def test_a_graph_that_is_no_molecule(self) -> None:
        """A carbon with five bonds would leave as if it were one."""
        from dropgan.serve.graphs import to_smiles

        star = np.zeros((6, 6), np.uint8)
        star[0, 1:] = star[1:, 0] = 1
        five = star + np.eye(6, dtype=np.uint8)
        pieces = np.eye(6, dtype=np.uint8)
        assert to_smiles(np.stack([five, pieces]), ["C"], ["single"]) == [None, None]
