"""From a run on graphs to files, samples, shards, scores and a report."""

import json
from importlib.util import find_spec
from pathlib import Path

import networkx
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from dropgan.evaluate import evaluate
from dropgan.evaluate.graphs.identity import graph_keys
from dropgan.export import ExportError, export
from dropgan.export.gate import check_inference_only
from dropgan.serve import Generator, ModelError
from dropgan.serve.graphs import to_networkx
from dropgan.serve.latents import LatentStream
from dropgan.serve.loading import screen
from dropgan.serve.reporter import SILENT
from dropgan.train import RunDirectory, resume, train
from dropgan.train.data import GraphData
from dropgan.train.data.graph_limits import connected
from dropgan.train.networks.graphs.discrete import types_of
from dropgan.train.networks.spec import GraphTypes
from dropgan.train.run.trained import load_generator

from ..cli.conftest import Dropgan, dropgan
from ..node_tools import project, require_node, run_module
from .conftest import SMALL, permuted

__all__ = ["dropgan"]

SAMPLE = """
import { Generator } from "dropgan";
const generator = await Generator.load(process.argv[2]);
const samples = await generator.sample(70, { seed: 3n, start: 5 });
console.log(JSON.stringify({ shape: samples.shape, types: [...samples.data] }));
"""


def test_every_entry_is_pytorchs(graph_run: Path, graph_model: Path) -> None:
    """Users would get other graphs than those that were trained and scored."""
    assert check_inference_only(graph_model.read_bytes()).passed
    generator = Generator(graph_model, device="cpu")
    assert generator.card.export.parity.max_difference == 0
    made = generator.sample(3000, seed=7, batch_size=999)
    trained = load_generator(graph_run)
    latents = torch.from_numpy(LatentStream(trained.recipe.generator.latent_dim)(3000, seed=7))
    with torch.inference_mode():
        expected = types_of(trained.module(latents), GraphTypes(1, 1, sizes_vary=False)).numpy()
    assert made.dtype == np.uint8
    assert np.array_equal(made, expected)
    assert np.array_equal(made, made.transpose(0, 2, 1))
    assert np.array_equal(made[:5], generator.sample(5, seed=7))
    assert len(np.unique(made, axis=0)) > 100  # variety is the latents'


def test_javascript_gives_the_same_bytes(graph_model: Path, tmp_path: Path) -> None:
    """A web page would show other graphs than the report."""
    require_node()
    made = run_module(project(tmp_path, "onnxruntime-node"), SAMPLE, graph_model)
    expected = Generator(graph_model, device="cpu").sample(70, seed=3, start=5)
    assert made["shape"] == [70, 6, 6]
    assert made["types"] == expected.ravel().tolist()


def test_resuming_is_exact(tmp_path: Path) -> None:
    """Discrete samples draw no number of their own that a checkpoint would have to hold."""
    machine = {"device": "cpu", "precision": "fp32", "threads": 1, "reporter": SILENT}
    settings = {**SMALL, "generator.discrete": "gumbel", "training.schedule": "constant"}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for run, steps in ((whole, 8), (cut, 4)):
        train(run, "graphs", data="atlas:6", settings={**settings, "training.steps": steps}, **machine)
    resume(cut, steps=8, reporter=SILENT)
    one, other = (load_generator(run).module.state_dict() for run in (whole, cut))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_shards_of_graphs(graph_model: Path, tmp_path: Path, dropgan: Dropgan) -> None:
    """What is written must be the samples, in each format and in each part of a job."""
    expected = Generator(graph_model, device="cpu").sample(40, seed=3)
    fast = ("--device", "cpu", "--workers", 1, "--threads", 1, "--batch-size", 40)
    for name in ("graph6", "parquet", "npy", "png"):
        answer = dropgan(
            "sample", graph_model, "-n", 40, "--seed", 3, "-o", tmp_path / name, "--format", name, *fast
        )
        assert answer.code == 0, answer.err
    lines = (tmp_path / "graph6" / "graphs-00000000.g6").read_bytes().splitlines()
    assert [networkx.from_graph6_bytes(line).size() for line in lines] == [
        to_networkx(graph).size() for graph in expected
    ]
    table = pq.read_table(tmp_path / "parquet" / "graphs-00000000.parquet")
    assert np.array_equal(np.array(table["graph"].to_pylist(), np.uint8).reshape(-1, 6, 6), expected)
    assert table["index"].to_pylist() == list(range(40))
    for part in (1, 2):
        answer = dropgan(
            "sample", graph_model, "-n", 40, "--seed", 3, "-o", tmp_path / "parts", "--shard-size", 20,
            "--part", f"{part}/2", *fast,
        )  # fmt: skip
        assert answer.code == 0, answer.err
    files = sorted((tmp_path / "parts").glob("graphs-*.npy"))
    assert np.array_equal(np.concatenate([np.load(file) for file in files]), expected)
    refused = dropgan("sample", graph_model, "-n", 4, "-o", tmp_path / "no", "--format", "smiles", *fast)
    said = "graphs of node, which are not molecules"
    if find_spec("rdkit") is None:
        said = "dropgan[molecules]"
    assert (refused.code, said in refused.err) == (1, True), refused.err
    refused = dropgan("sample", graph_model, "-n", 4, "-o", tmp_path / "no.csv")
    assert (refused.code, "this model makes graphs" in refused.err) == (1, True)


def test_what_graphs_do_not_have_is_refused(graph_run: Path, graph_model: Path, tmp_path: Path) -> None:
    """In one line, rather than a file that rounds types away."""
    for options, reason in (
        ({"precision": "int8"}, "precision int8 is not for graphs"),
        ({"precision": "fp16"}, "precision fp16 is not for graphs"),
        ({"output": "pixels"}, "this run makes graphs"),
    ):
        with pytest.raises(ExportError, match=reason):
            export(graph_run, tmp_path / "m.onnx", reporter=SILENT, **options)


def test_a_card_of_graphs_must_fit(graph_model: Path) -> None:
    """A file of a stranger's could name types that its graphs do not have."""
    data, screened = screen(graph_model)
    assert (screened.card.data.node_types, screened.card.data.edge_types) == (("node",), ("edge",))
    assert screened.output_shape == (6, 6)
    broken = data.replace(b'"node_types": [\n   "node"\n  ]', b'"node_types": [             ]')
    assert len(broken) == len(data)
    assert broken != data
    with pytest.raises(ModelError, match="graphs without types"):
        screen(broken)


def test_scores_and_report(graph_run: Path, tmp_path: Path, dropgan: Dropgan) -> None:
    """Each score is of the file's own samples; the report shows them."""
    report = tmp_path / "report.html"
    evaluation = evaluate(graph_run, samples=500, report=report, reporter=SILENT)
    found = {score.name.removesuffix("_graphs"): score.value for score in evaluation.scores}
    made = Generator(export_of(graph_run), device="cpu").sample(500, seed=1)
    assert found["validity"] == pytest.approx(connected(made).mean())
    valid = graph_keys(made[connected(made)])
    assert found["uniqueness"] == pytest.approx(len(np.unique(valid)) / len(valid))
    assert 0 <= found["coverage"] <= 1
    assert set(evaluation.baselines) == {"Erdős-Rényi model", "stochastic block model"}
    page = report.read_text("utf-8")
    assert "data:image/png;base64," in page
    assert "Erdős-Rényi" in page
    assert f"{found['validity']:.3f}" in page


def export_of(run: Path) -> bytes:
    """The file of a run."""
    from dropgan.export import exported

    return exported(run, SILENT)


def test_a_run_watches_uniqueness(graph_run: Path, atlas: GraphData) -> None:
    """A generator of one perfect graph would have the best score: the collapse that ports of MolGAN show."""
    from dropgan.evaluate.validation.graphs import GraphMetric

    rows = RunDirectory(graph_run).read_metrics()
    assert [row["step"] for row in rows if "spread" in row or "generator_loss" in row]
    metric = GraphMetric(atlas, 8, labels=None, samples=500, seed=0)
    random = np.random.default_rng(0)
    fair = permuted(atlas.graphs[random.integers(0, len(atlas), 500)])
    collapsed = permuted(np.repeat(atlas.graphs[1000:1001], 500, axis=0))
    assert metric.shortfall(fair) < 0.4
    assert metric.shortfall(collapsed) > 0.98


@pytest.mark.gpu
@pytest.mark.parametrize("architecture", ["molgan", "equivariant"])
def test_on_cuda(tmp_path: Path, atlas: GraphData, architecture: str) -> None:
    """A recipe of graphs trains and is scored on a GPU; sizes and types are drawn there."""
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU that PyTorch can use")
    from dropgan.evaluate import validation_metric

    settings = {**SMALL, "architecture": architecture, "generator.discrete": "gumbel"}
    run = train(
        tmp_path / "run", "graphs", data=atlas, settings=settings, score=validation_metric, device="cuda",
        precision="fp32", reporter=SILENT,
    )  # fmt: skip
    assert any(row.get("score_name") == "graph_shortfall_2000" for row in run.read_metrics())
    made = Generator(export_of(tmp_path / "run"), device="cpu").sample(200, seed=1)
    sizes = np.count_nonzero(np.diagonal(made, axis1=1, axis2=2), axis=1)
    assert (sizes >= 5).mean() > 0.9  # as in the atlas


def test_a_run_of_molecules_watches_valences() -> None:
    """The weights that are kept would be those of many impossible molecules in one piece."""
    pytest.importorskip("rdkit", reason="the extra dropgan[molecules] is not installed")
    from dropgan.evaluate.validation.graphs import GraphMetric

    chains = np.zeros((3, 5, 5), np.uint8)
    for place, types in enumerate(([1, 1, 2], [1, 2, 1], [1, 1, 1])):
        chains[place, [0, 1, 2], [0, 1, 2]] = types
        chains[place, [0, 1, 1, 2], [1, 0, 2, 1]] = 1
    data = GraphData(chains, "chains", ("C", "O"), ("single", "double", "triple"))
    metric = GraphMetric(data, 8, labels=None, samples=30, seed=0)
    assert metric.name == "molecule_shortfall_30"
    fair = np.tile(chains, (10, 1, 1))
    crowded = fair.copy()
    crowded[:15, 0, 1] = crowded[:15, 1, 0] = 3  # C#O and C#C with a third atom: half of them cannot be
    crowded[:15, 1, 1] = 2
    assert metric.shortfall(fair) < 0.01
    assert metric.shortfall(crowded) > 0.5


def test_a_run_says_how_good_it_is(dropgan: Dropgan, tmp_path: Path) -> None:
    """Who reads that a lower validity is better takes the worse of two models."""
    settings = [part for key, value in SMALL.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    answer = dropgan(
        "run", "--data", "atlas:5", "--steps", 10, "--score-samples", 50, "-o", tmp_path / "run",
        "--device", "cpu", "--precision", "fp32", "--threads", 1, *settings,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    (score,) = (line for line in answer.out.splitlines() if line.startswith("score"))
    assert "validity_graphs" in score
    assert "(higher is better)" in score
