"""Class-conditional generators through the exporter: two inputs, every precision, still one batch."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from dropgan.export import check_inference_only, compare, export, recheck
from dropgan.export.graph import DEFAULT_OPSET, to_onnx
from dropgan.export.kinds.images import ImageEnding
from dropgan.export.parity import ParityError, check_parity
from dropgan.serve import Generator
from dropgan.train import load_generator

from ..conftest import bar_of


def test_inputs_and_card(conditional_model: Path) -> None:
    """What any other ONNX tool sees: latents and labels of one open batch; the card says how many classes."""
    model = onnx.load(conditional_model)
    shapes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in [*model.graph.input, *model.graph.output]
    }
    batch = shapes["labels"][0]
    assert isinstance(batch, str)
    assert shapes == {"latents": [batch, 8], "labels": [batch], "images": [batch, 8, 8, 1]}
    assert model.graph.input[1].type.tensor_type.elem_type == onnx.TensorProto.INT64
    assert "Latents and labels in" in model.doc_string
    card = Generator(conditional_model, device="cpu").card
    assert (card.labels.classes, card.labels.stream) == (3, "philox4x64-multiplyhigh-v1")
    assert card.schema == "1.5"
    assert (card.labels.numbers, card.labels.counts) == ((0, 1, 2), (200, 200, 200))


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("output", ["pixels", "float"])
def test_every_precision(conditional_run: Path, tmp_path: Path, precision: str, output: str) -> None:
    """Gate, parity, certificate and the classes themselves hold in each kind of file."""
    path = tmp_path / "model.onnx"
    card = export(conditional_run, path, precision=precision, output=output)
    assert check_inference_only(path.read_bytes()).violations == ()
    generator = Generator(path, device="cpu")
    assert recheck(path.read_bytes(), generator).passed
    images = generator.sample(300, labels=np.arange(300) % 3)
    shown = images if output == "pixels" else np.moveaxis(images, 1, 3)
    assert (bar_of(shown) == np.arange(300) % 3).mean() > 0.9
    if precision == "int8":
        operators = {node.op_type for node in onnx.load(path).graph.node}
        assert {"QuantizeLinear", "Gather"} <= operators
        assert "body.0.gemm" not in card.export.float_layers  # the layer that reads both inputs


def test_parity_compares_the_classes_too(conditional_run: Path) -> None:
    """A file whose classes are mixed up has the right latents and the wrong images."""
    trained = load_generator(conditional_run)
    model = to_onnx(trained.module, 8, ending=ImageEnding(), opset=DEFAULT_OPSET, classes=3)
    check_parity(
        model.SerializeToString(), trained.module, 8, ending=ImageEnding(), seed=0, classes=3, samples=500
    )
    for tensor in model.graph.initializer:
        if tensor.name == "input.embedding.weight":
            table = onnx.numpy_helper.to_array(tensor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.roll(table, 1, axis=0), tensor.name))
    with pytest.raises(ParityError, match="differs"):
        check_parity(
            model.SerializeToString(), trained.module, 8, ending=ImageEnding(), seed=0, classes=3, samples=500
        )


def test_what_the_graph_does_with_labels_out_of_range(conditional_model: Path) -> None:
    """docs/model-file.md says it of the bare file: -1 is the last class, 3 an error, on onnxruntime's CPU."""
    session = onnxruntime.InferenceSession(conditional_model, providers=["CPUExecutionProvider"])
    latents = np.zeros((1, 8), np.float32)

    def run(label: int) -> bytes:
        return bytes(session.run(None, {"latents": latents, "labels": np.array([label])})[0].tobytes())

    assert run(-1) == run(2) != run(0)
    with pytest.raises(Exception, match="out of data bounds"):
        run(3)


def test_compare_conditional_files(conditional_run: Path, conditional_model: Path, tmp_path: Path) -> None:
    """`inspect --against` runs both with the labels of the stream."""
    export(conditional_run, tmp_path / "small.onnx", precision="int8")
    found = compare(conditional_model.read_bytes(), (tmp_path / "small.onnx").read_bytes(), samples=200)
    assert found.precisions == ("fp32", "int8")
    assert found.mean_difference < 3.5


def test_one_class_alone_differs_from_pytorch_nowhere(conditional_run: Path, conditional_model: Path) -> None:
    """Every class is right, not only the classes on average."""
    trained, generator = load_generator(conditional_run), Generator(conditional_model, device="cpu")
    latents = generator.latents(64)
    for label in range(3):
        expected = trained.module(torch.from_numpy(latents), torch.full((64,), label))
        pixels = (expected * 127.5 + 127.5).round().clamp(0, 255).permute(0, 2, 3, 1).numpy()
        assert np.abs(pixels - generator(latents, label)).max() <= 1
