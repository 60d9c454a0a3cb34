"""Small worlds of graphs, and a model that was trained on one."""

from pathlib import Path

import numpy as np
import pytest

from dropgan.export import export
from dropgan.serve.reporter import SILENT
from dropgan.train import change_recipe, load_recipe, train
from dropgan.train.data import GraphData, load_data

SMALL = {
    "training.steps": 12, "training.batch_size": 16, "generator.hidden": [16], "discriminator.hidden": [8, 8],
    "discriminator.dense": [8], "output.sample_interval": 6,
}  # fmt: skip


@pytest.fixture(scope="session")
def atlas() -> GraphData:
    """All 1,252 graphs of up to seven nodes."""
    data = load_data("atlas", reporter=SILENT)
    assert isinstance(data, GraphData)
    return data


@pytest.fixture(scope="session")
def graph_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run on the 112 connected graphs of six nodes."""
    run = tmp_path_factory.mktemp("graphs") / "run"
    machine = {"device": "cpu", "precision": "fp32", "threads": 1}
    train(run, change_recipe(load_recipe("graphs"), SMALL), data="atlas:6", reporter=SILENT, **machine)
    return run


@pytest.fixture(scope="session")
def graph_model(graph_run: Path) -> Path:
    """Its file."""
    path = graph_run.parent / "model.onnx"
    export(graph_run, path, reporter=SILENT)
    return path


def permuted(graphs: np.ndarray, seed: int = 0) -> np.ndarray:
    """Each graph with its nodes in another order."""
    random = np.random.default_rng(seed)
    orders = np.array([random.permutation(graphs.shape[1]) for _ in graphs])
    return graphs[np.arange(len(graphs))[:, None, None], orders[:, :, None], orders[:, None, :]]
