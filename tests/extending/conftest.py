"""The whole way with a part that somebody added: train, export, sample, on the command line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ..cli.conftest import Dropgan, dropgan

__all__ = ["dropgan"]

WholeWay = Callable[..., np.ndarray]


@pytest.fixture
def whole_way(dropgan: Dropgan, tmp_path: Path, image_file: Path) -> WholeWay:
    """Train three steps with some settings, export through the gate, and give ten samples."""

    def go(*settings: str, data: object = image_file, recipe: str = "mlp") -> np.ndarray:
        chosen = [word for setting in settings for word in ("--set", setting)]
        run, model, samples = tmp_path / "run", tmp_path / "model.onnx", tmp_path / "samples.npy"
        for command in (
            ("train", "-o", run, "--data", data, "--recipe", recipe, "--steps", 3, "--no-score",
             "--threads", 1, "--precision", "fp32", "--set", "training.batch_size=8", *chosen),
            ("export", run, "-o", model, "--no-score"),
            ("sample", model, "-n", 10, "-o", samples),
        ):  # fmt: skip
            answer = dropgan(*command)
            assert answer.code == 0, answer.err
        return np.load(samples)

    return go
