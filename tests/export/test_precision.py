"""Parity, precision, the shape of the graph, opsets: what an exported file is held to."""

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from dropgan.export import ExportError, ParityError, check_inference_only, export
from dropgan.export.graph import OPSETS, DeployedGenerator, to_onnx
from dropgan.export.half import measure_reach, require_half
from dropgan.export.kinds.images import ImageEnding
from dropgan.export.parity import check_parity
from dropgan.export.precision import Quantiser, choose_precision
from dropgan.serve import Generator
from dropgan.serve.kinds import kind_of
from dropgan.serve.loading import read_onnx, require_plain
from dropgan.train import load_generator
from dropgan.train.data.pixels import to_pixels

from .networks import LATENT_DIM, convolutions, images_of, mlp

NETWORKS = {
    "mlp": mlp(),
    "convolutions": convolutions(),
    **{name: images_of(name) for name in ("conv", "dcgan", "resnet")},
}
# the ends of each axis, and in test_int8.py convolutions on bytes; benchmarks/export_matrix.py runs them all
CASES = [
    ("mlp", "fp32", OPSETS[0], "pixels"),
    ("mlp", "int8", OPSETS[-1], "pixels"),
    ("mlp", "fp16", 20, "pixels"),
    ("mlp", "int8", OPSETS[0], "float"),
    ("convolutions", "fp32", OPSETS[-1], "float"),
    ("convolutions", "int8", 20, "pixels"),
    ("convolutions", "fp16", OPSETS[0], "pixels"),
    ("conv", "fp16", OPSETS[-1], "pixels"),
    ("dcgan", "fp32", OPSETS[0], "pixels"),
    ("resnet", "fp32", OPSETS[-1], "float"),
]


@cache
def bytes_in(precision: str, network: str, opset: int, output: str) -> bytes:
    half = "fp16" if precision == "fp16" else "fp32"
    if precision == "int8":
        model = onnx.load_model_from_string(bytes_in("fp32", network, opset, output))
        model = Quantiser(model, latent_dim=LATENT_DIM, ending=ImageEnding(output), seed=0).best().model
    else:
        model = to_onnx(
            NETWORKS[network], LATENT_DIM, ending=ImageEnding(output), opset=opset, precision=half
        )
    return bytes(model.SerializeToString())


def model_in(precision: str, network: str, *, opset: int = 20, output: str = "pixels") -> onnx.ModelProto:
    """A network in a precision, as the export makes it; traced once for all tests."""
    return onnx.load_model_from_string(bytes_in(precision, network, opset, output))


def session_of(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def run(model: onnx.ModelProto, latents: np.ndarray) -> np.ndarray:
    return np.asarray(session_of(model).run(None, {"latents": latents})[0])


def require_shippable(network: str, precision: str, opset: int, output: str) -> None:
    """A network's file in a precision passes everything that an export must."""
    generator = NETWORKS[network]
    data = model_in(precision, network, opset=opset, output=output).SerializeToString()
    assert check_inference_only(data).passed
    require_plain(read_onnx(data))
    parity = check_parity(
        data, generator, LATENT_DIM, ending=ImageEnding(output), precision=precision, seed=3, samples=2048
    )
    assert parity.mean_difference <= parity.mean_tolerance
    assert parity.witness.samples == 16
    assert onnx.load_model_from_string(data).opset_import[0].version == opset


@pytest.mark.parametrize(("network", "precision", "opset", "output"), CASES)
def test_each_precision_passes_gate_parity_and_loader(
    network: str, precision: str, opset: int, output: str
) -> None:
    """A file that only its exporter can open, or that draws other pictures, is worth nothing."""
    require_shippable(network, precision, opset, output)


@pytest.mark.parametrize("opset", [OPSETS[0] - 1, OPSETS[-1] + 1])
def test_an_opset_outside_the_range_is_refused(opset: int) -> None:
    """Not silently another one, as the exporter would do."""
    with pytest.raises(ExportError, match=f"opset must be {OPSETS[0]} to {OPSETS[-1]}, not {opset}"):
        to_onnx(mlp(), LATENT_DIM, ending=ImageEnding(), opset=opset)


def test_a_tampered_weight_is_caught() -> None:
    """Parity is what stands between a wrong conversion and the user's pictures."""
    generator = NETWORKS["mlp"]
    model = model_in("fp32", "mlp")
    tensor = next(entry for entry in model.graph.initializer if entry.name == "output.weight")
    weights = numpy_helper.to_array(tensor).copy()
    weights[5, 7] += 0.5
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    with pytest.raises(ParityError, match="differs from the PyTorch generator"):
        check_parity(
            model.SerializeToString(), generator, LATENT_DIM, ending=ImageEnding(), seed=0, samples=2048
        )


def test_another_shape_is_caught() -> None:
    """Pixels in another order are wrong even where every number is right."""
    generator = mlp(shape=(3, 8, 8))
    data = to_onnx(generator, LATENT_DIM, ending=ImageEnding("pixels", "nchw"), opset=20).SerializeToString()
    with pytest.raises(ParityError, match=r"gives uint8 \[1, 3, 8, 8\]"):
        check_parity(data, generator, LATENT_DIM, ending=ImageEnding(), seed=0, samples=8)


class Ramp(nn.Module):
    """Latents as pixels: every float that the scaling could meet can be fed through it."""

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return (latents + 0).view(-1, 1, 1, LATENT_DIM)


def test_pixels_are_rounded_exactly_as_in_training() -> None:
    """Halves to even, on every half, its neighbours and the ends: the grids of a run and its file agree."""
    halves = (np.arange(-0.5, 256, 0.5) - 127.5) / 127.5
    values = np.concatenate([np.nextafter(halves.astype(np.float32), side) for side in (-2, 2)])
    values = np.clip(np.concatenate([values, halves.astype(np.float32)]), -1, 1).astype(np.float32)
    values = np.resize(values, (len(values) // LATENT_DIM + 1, LATENT_DIM))
    model = to_onnx(Ramp().eval(), LATENT_DIM, ending=ImageEnding(), opset=20)
    expected = to_pixels(torch.from_numpy(values).view(-1, 1, 1, LATENT_DIM)).numpy()
    given = run(model, values)
    assert np.array_equal(given, expected)
    assert given.min() == 0
    assert given.max() == 255


def test_the_graph_is_as_small_as_it_can_be() -> None:
    """No node that a reader of the file would wonder about: three products, two relus, tanh, pixels."""
    model = model_in("fp32", "mlp")
    assert [node.name for node in model.graph.node] == [
        "body.0.gemm", "body.1.relu", "body.3.gemm", "body.4.relu", "output.gemm", "tanh",
        "to_levels.scale", "to_levels.shift", "to_levels.round", "to_nhwc",
    ]  # fmt: skip


def test_batch_norms_are_folded() -> None:
    """They cost time in every run and say nothing at inference."""
    model = model_in("fp32", "convolutions")
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    assert "body.2.convtranspose" in {node.name for node in model.graph.node}
    names = {tensor.name for tensor in model.graph.initializer}
    assert {"first.weight", "first.bias", "body.2.weight", "body.2.bias"} <= names


@pytest.mark.parametrize("precision", ["fp32", "int8", "fp16"])
def test_names_and_words_explain_the_file_and_hide_its_maker(precision: str) -> None:
    """Netron shows a clear picture; no path, stack trace or exporter's jargon goes out with it."""
    model = model_in(precision, "convolutions")
    assert "no dropout" in model.doc_string
    assert model.graph.input[0].doc_string.startswith("standard normal")
    assert "height, width, channels" in model.graph.output[0].doc_string
    text = str(model)
    for word in ("site-packages", '.py"', "aten.", "val_", "node_", "torch"):
        assert word not in text, word


def test_int8_is_a_quarter_of_the_size_where_weights_fill_the_file(model_file: Path, int8_file: Path) -> None:
    """What int8 is for, beside speed; card and all."""
    assert int8_file.stat().st_size < 0.3 * model_file.stat().st_size


def test_int8_runs_on_byte_kernels(tmp_path: Path) -> None:
    """Scales around float products would pass every other test and be slower than float32."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    data = model_in("int8", "mlp").SerializeToString()
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    operators = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert operators.count("QGemm") == 3
    assert "Gemm" not in operators


def test_a_layer_goes_back_to_float_while_the_pixels_suffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which layers stay in float32 is decided by what is measured, the same way every time."""
    monkeypatch.setattr("dropgan.export.precision._BUDGET", 0.0)
    model = model_in("fp32", "mlp")
    quantiser = Quantiser(model, latent_dim=LATENT_DIM, ending=ImageEnding(), seed=0)
    with pytest.raises(ExportError, match="costs this generator too much quality"):
        quantiser.best()
    everything = Quantiser(model, latent_dim=LATENT_DIM, ending=ImageEnding(), seed=0)
    less = everything.without_worst()
    assert len(less.float_layers) == 1
    allowed = ImageEnding.tolerances["int8", "pixels"].mean
    share = less.mean_difference / allowed * (1 + 1e-9)
    monkeypatch.setattr("dropgan.export.precision._BUDGET", share)
    again = Quantiser(model, latent_dim=LATENT_DIM, ending=ImageEnding(), seed=0).best()
    assert again.float_layers == less.float_layers


def test_fp16_that_would_overflow_is_refused_with_the_place() -> None:
    """Infinity in one activation paints every picture black or white, on CUDA only."""
    generator = mlp()
    require_half(measure_reach(generator, LATENT_DIM, seed=0))
    with torch.no_grad():
        generator.body[3].weight.mul_(1e6)  # type: ignore[union-attr, index]
    with pytest.raises(ExportError, match=r"fp16 cannot carry.*use --precision fp32"):
        require_half(measure_reach(generator, LATENT_DIM, seed=0))


def test_auto_takes_fp16_for_cuda_and_what_is_measured_for_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """auto must follow the measurement, not a table."""
    generator = NETWORKS["mlp"]
    fp32 = model_in("fp32", "mlp")
    choose = {"latent_dim": LATENT_DIM, "ending": ImageEnding(), "seed": 0}
    assert choose_precision("cuda", fp32, generator, **choose) == "fp16"  # type: ignore[arg-type]
    for speeds, expected in (([1.0, 2.0], "int8"), ([1.0, 1.1], "fp32")):
        monkeypatch.setattr("dropgan.export.precision.rates", lambda *_, speeds=speeds, **__: speeds)
        assert choose_precision("cpu", fp32, generator, **choose) == expected  # type: ignore[arg-type]
    with pytest.raises(ExportError, match="cpu or cuda"):
        choose_precision("toaster", fp32, generator, **choose)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "video"}, "output must be pixels or float"),
        ({"layout": "hwc"}, "layout must be one of nhwc, nchw, rgb-nchw"),
        ({"precision": "fp8"}, "precision must be one of"),
        ({"precision": "auto"}, "go together"),
        ({"target": "cpu"}, "go together"),
    ],
)
def test_impossible_options_leave_no_file(
    options: dict[str, str], message: str, tiny_run: Path, tmp_path: Path
) -> None:
    """One line that says what is possible, before any work."""
    with pytest.raises(ExportError, match=message):
        export(tiny_run, tmp_path / "model.onnx", **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_layout_gives_the_same_pixels(
    model_file: Path, rgb_file: Path, tiny_run: Path
) -> None:
    """A file made for another tool still serves dropgan, whose pixels have the channels last."""
    last, first = (Generator(path, device="cpu") for path in (model_file, rgb_file))
    assert kind_of(first.card).layout(first.card) == "rgb-nchw"
    images = first.sample(9)
    assert images.shape == (9, 28, 28, 3)
    assert np.array_equal(last.sample(9), images[..., :1])
    latents = last.latents(5)
    expected = DeployedGenerator(load_generator(tiny_run).module, ImageEnding("pixels", "rgb-nchw"))(
        torch.from_numpy(latents)
    )
    raw = run(onnx.load(rgb_file), latents)
    assert raw.shape == (5, 3, 28, 28)
    assert np.abs(raw.astype(int) - expected.detach().numpy()).max() <= 1


def test_batch_norms_of_dcgan_are_folded() -> None:
    """Behind the dense layer and behind convolutions whose channels became pixels: none is left to run."""
    operators = [node.op_type for node in model_in("fp32", "dcgan").graph.node]
    assert "BatchNormalization" not in operators
    assert "DepthToSpace" in operators
