"""Another kind of data from one file: relations, with a reader and a shard format of their own."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from dropgan.evaluate.asked import Asked
from dropgan.export import ExportError
from dropgan.export.deployment import Deployment, Wanted
from dropgan.export.ending import Ending, Tolerance, Tolerances
from dropgan.export.kinds import DEPLOYMENTS
from dropgan.export.postprocessing import GraphEnd
from dropgan.serve import Generator
from dropgan.serve.batch.files import HashingFile, Written
from dropgan.serve.batch.format import Format, NewShard, Way
from dropgan.serve.batch.formats import FORMATS
from dropgan.serve.card import Card
from dropgan.serve.kind import ARRAY, PICTURES, Kind, Output
from dropgan.serve.kinds import KINDS
from dropgan.serve.registry import Registry
from dropgan.serve.reporter import Reporter
from dropgan.train import Recipe
from dropgan.train.data import TrainingData
from dropgan.train.data.readers import READERS, Reader, Reading
from dropgan.train.data.scaling import Scaling
from dropgan.train.kind import TrainingKind
from dropgan.train.kinds import KINDS as TRAINING_KINDS
from dropgan.train.monitor.samples import SamplePicture, image_grid

from ..cli.conftest import Dropgan

NODES = 8


class Graphs(Kind):
    """Relations as matrices of edges, in either direction: uint8 [nodes, nodes], 1 for an edge."""

    name: ClassVar[str] = "relations"
    one: ClassVar[str] = "relation"
    outputs: ClassVar[Mapping[str, Output]] = {"edges": Output("uint8", "edges, 1 for each", "edges")}
    shown_as: ClassVar[str] = PICTURES
    usual_format: ClassVar[str] = "edges"

    def layout(self, card: Card) -> str:
        return "from-to"

    def output_shape(self, card: Card) -> tuple[int, ...]:
        return card.data.shape

    def lacks(self, card: Card, view: str) -> str:
        return "" if view == PICTURES else "makes relations"

    def pictures(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        return samples[..., np.newaxis] * np.uint8(255)


@dataclass(frozen=True)
class GraphData(TrainingData):
    """Graphs to train on."""

    edges: NDArray[np.uint8]
    name: str
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    class_numbers: tuple[int, ...] = ()

    kind: ClassVar[str] = "relations"

    @property
    def samples(self) -> NDArray[np.uint8]:
        return self.edges

    @cached_property
    def fingerprint(self) -> str:
        return f"sha256:{hashlib.sha256(self.edges.tobytes()).hexdigest()}"


class EdgeScaling:
    """-1 without an edge, 1 with one."""

    drawn = 0

    def arranged(self, samples: NDArray[Any]) -> NDArray[Any]:
        return samples[:, np.newaxis]

    def __call__(self, samples: Tensor, random: Tensor | None) -> Tensor:
        return samples.float() * 2 - 1


EDGES = EdgeScaling()


class GraphTraining(TrainingKind[GraphData]):
    """What training asks of graphs."""

    name: ClassVar[str] = "relations"
    metric: ClassVar[str] = f"{__name__}:edge_metric"
    evaluation: ClassVar[str] = f"{__name__}:evaluate_graphs"

    def network_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        return (1, NODES, NODES)

    def described(self, shape: Sequence[int]) -> str:
        return f"relations of {NODES} nodes"

    def scaling(self, data: GraphData) -> Scaling:
        return EDGES

    def picture(self, data: GraphData, classes: int) -> SamplePicture:
        return image_grid(classes)  # white for an edge

    def about(self, data: GraphData) -> dict[str, Any]:
        return {"columns": []}


class GraphEnding(Ending):
    """Edges where the network's floats are above 0."""

    value: ClassVar[str] = "relations"
    tolerances: ClassVar[Tolerances] = {("fp32", "edges"): Tolerance(1, 1e-3)}
    output = "edges"
    layout = "from-to"
    meaning = "1 for each edge; batch, from, to"

    def require(self, shape: tuple[int, ...]) -> None:
        assert shape == (1, NODES, NODES)

    def append(self, model: onnx.ModelProto, shape: tuple[int, ...]) -> None:
        end = GraphEnd(model)
        end.add("Greater", "is_edge", [end.constant("zero", np.zeros(1, np.float32))])
        end.add("Cast", "edge", [], to=onnx.TensorProto.UINT8)
        end.reshape("matrix", (-1, NODES, NODES))
        end.finish(onnx.TensorProto.UINT8, (NODES, NODES))

    def apply(self, made: Tensor) -> Tensor:
        return (made[:, 0] > 0).to(torch.uint8)


class GraphDeployment(Deployment):
    """Edges, in float32."""

    name: ClassVar[str] = "relations"
    tolerances: ClassVar[Tolerances] = GraphEnding.tolerances

    def ending(self, data: dict[str, Any], wanted: Wanted) -> GraphEnding:
        if wanted.output or wanted.layout or wanted.precision != "fp32":
            raise ExportError("relations leave as edges, in fp32")
        return GraphEnding()


class EdgeMetric:
    """How far the number of edges is off."""

    name = "edges"

    def __init__(self, share: float) -> None:
        self.share = share

    def __call__(self, generator: Any) -> dict[str, float]:
        with torch.inference_mode():
            width = next(generator.parameters()).shape[1]
            made = generator(torch.zeros(4, width))
        return {self.name: abs(float((made > 0).float().mean()) - self.share)}


def edge_metric(
    data: GraphData, recipe: Recipe, labels: NDArray[np.int64] | None, reporter: Reporter
) -> EdgeMetric:
    return EdgeMetric(float(data.edges.mean()))


@dataclass(frozen=True)
class GraphEvaluation:
    """What is said of graphs."""

    verdict: str
    features: str = ""
    findings: tuple[Any, ...] = ()
    scores: tuple[Any, ...] = ()
    held_out_scores: tuple[Any, ...] = ()
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def evaluate_graphs(asked: Asked) -> GraphEvaluation:
    made = asked.generator.sample(asked.samples, seed=asked.seed)
    return GraphEvaluation(f"{asked.data.name}: {made.mean():.2f} of all edges")


class GraphReader(Reader):
    """Files that end in .relations.npy."""

    gives: ClassVar[str] = "a .relations.npy file"

    def matches(self, source: str) -> bool:
        return source.endswith(".relations.npy")

    def read(self, source: str, how: Reading) -> TrainingData:
        return GraphData(np.load(source), Path(source).name)


class EdgeLists:
    """A line of JSON a graph: its index and its edges."""

    def __init__(self, new: NewShard) -> None:
        self._file = HashingFile(new.path, new.file)

    def add(
        self, indices: NDArray[np.int64], samples: NDArray[Any], labels: NDArray[np.int64] | None
    ) -> None:
        for index, sample in zip(indices.tolist(), samples, strict=True):
            line = json.dumps({"index": index, "edges": np.argwhere(sample).tolist()})
            self._file.write(f"{line}\n".encode())

    def finish(self, name: str) -> list[Written]:
        return [self._file.written(name)]

    def close(self) -> None:
        self._file.close()


@pytest.fixture(scope="module", autouse=True)
def _graphs() -> Iterator[None]:
    """dropgan knows relations while the tests of this file run."""
    registries: tuple[Registry[Any], ...] = (KINDS, TRAINING_KINDS, DEPLOYMENTS, FORMATS)
    before = [dict(registry._known) for registry in registries]
    KINDS.register(Graphs())
    TRAINING_KINDS.register(GraphTraining())
    DEPLOYMENTS.register(GraphDeployment())
    FORMATS.register(Format("edges", ".jsonl", {ARRAY: Way(EdgeLists)}))
    READERS.insert(0, GraphReader())
    yield
    READERS.pop(0)
    for registry, known in zip(registries, before, strict=True):
        registry._known.clear()
        registry._known.update(known)


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rings of eight nodes in which some edges are missing."""
    ring = np.roll(np.eye(NODES, dtype=np.uint8), 1, axis=1)
    kept = np.random.default_rng(0).random((64, NODES, NODES)) > 0.1
    path = tmp_path_factory.mktemp("relations") / "rings.relations.npy"
    np.save(path, ring * kept.astype(np.uint8))
    return path


def test_relations_from_training_to_shards(dropgan: Dropgan, rings: Path, tmp_path: Path) -> None:
    """Another kind of data would need an edit in each of twenty files."""
    run, model = tmp_path / "run", tmp_path / "model.onnx"
    settings = [
        "--set", "generator.hidden=[16]", "--set", "discriminator.hidden=[16]", "--set",
        "output.sample_interval=10", "--set", "training.batch_size=16",
    ]  # fmt: skip
    fast = ("--threads", 1, "--precision", "fp32", "--device", "cpu")
    answer = dropgan("train", "--data", rings, "-o", run, "--recipe", "mlp", "--steps", 20, *fast, *settings)
    assert answer.code == 0, answer.err
    assert '"score_name": "edges"' in (run / "metrics.jsonl").read_text()
    assert list((run / "samples").glob("*.png"))
    answer = dropgan("export", run, "-o", model)
    assert answer.code == 0, answer.err
    generator = Generator(model, device="cpu")
    assert generator.card.data.kind == "relations"
    expected = generator.sample(50, seed=3)
    assert expected.shape == (50, NODES, NODES)

    shards = tmp_path / "shards"
    answer = dropgan("sample", model, "-n", 50, "--seed", 3, "-o", shards, "--device", "cpu")
    assert answer.code == 0, answer.err  # in the kind's usual format
    lines = [json.loads(line) for line in (shards / "relations-00000000.jsonl").read_text().splitlines()]
    assert [line["index"] for line in lines] == list(range(50))
    assert lines[7]["edges"] == np.argwhere(expected[7]).tolist()
    assert dropgan("sample", "--verify", shards).code == 0
    for name in ("grid.png", "all.npy"):
        answer = dropgan("sample", model, "-n", 9, "--seed", 3, "-o", tmp_path / name, "--device", "cpu")
        assert answer.code == 0, answer.err
    assert np.array_equal(np.load(tmp_path / "all.npy"), expected[:9])
    answer = dropgan("sample", model, "-n", 9, "-o", tmp_path / "tar", "--format", "tar", "--device", "cpu")
    assert answer.code == 0, answer.err
    refused = dropgan("sample", model, "-n", 9, "-o", tmp_path / "t.csv")
    assert (refused.code, "this model makes relations" in refused.err) == (1, True)
    answer = dropgan("inspect", model)
    assert answer.code == 0, answer.err
    assert "edges, 1 for each" in answer.out
    answer = dropgan("evaluate", run, "-n", 100, "--device", "cpu")
    assert answer.code == 0, answer.err
    assert "of all edges" in answer.out
    assert dropgan("evaluate", run, "--report", tmp_path / "r.html").code == 2
