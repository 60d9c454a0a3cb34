"""One trace of the tiny run for each kind of file: tracing takes seconds, and most tests are not about it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest

from dropgan.serve.card import METADATA_KEY
from dropgan.serve.loading import read_onnx, with_metadata


@pytest.fixture(scope="session", autouse=True)
def traces() -> Iterator[None]:
    """Keep what the pipeline traced, by recipe and options; every caller gets a copy of its own."""
    from dropgan.export import pipeline

    real, kept = pipeline._trace, {}

    def trace(trained: Any, wanted: Any) -> onnx.ModelProto:
        key = (trained.recipe.model_dump_json(), str(trained.about["data"]), wanted)
        if key not in kept:
            kept[key] = real(trained, wanted).SerializeToString()
        return onnx.load_model_from_string(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "_trace", trace)
        yield


@pytest.fixture(scope="session")
def int8_file(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run in int8; tests must not change it."""
    from dropgan.export import export

    path = tmp_path_factory.mktemp("int8") / "model.onnx"
    export(tiny_run, path, precision="int8")
    return path


@pytest.fixture(scope="session")
def rgb_file(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run with three channels first; tests must not change it."""
    from dropgan.export import export

    path = tmp_path_factory.mktemp("rgb") / "model.onnx"
    export(tiny_run, path, layout="rgb-nchw")
    return path


ODD_NAME = 'x\0y\x1b[2J\u202egnp\\"""\nimport os|<script>@VERSION@[a](b) *c* _d_ \ud800'


@pytest.fixture(scope="session")
def odd_model(model_file: Path) -> bytes:
    """A model of which somebody has edited the card: its names hold what no file should be called."""
    data = model_file.read_bytes()
    card = json.loads(read_onnx(data).metadata[METADATA_KEY])
    card["data"]["name"] = card["training"]["recipe"] = card["architecture"]["name"] = ODD_NAME
    card["data"]["class_names"] = [ODD_NAME]
    score = {"name": ODD_NAME, "value": 1.0, "samples": 1, "reference": ODD_NAME}
    return with_metadata(data, METADATA_KEY, json.dumps({**card, "scores": [score]}))
