"""The inference-only gate: what must never pass, and what must."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from dropgan.export import ExportError, GateError, check_inference_only
from dropgan.export.graph import to_onnx
from dropgan.export.kinds.images import ImageEnding
from dropgan.serve import ModelError

from .networks import LATENT_DIM, convolutions, mlp

FLOATS = TensorProto.FLOAT


def model_of(
    nodes: Sequence[onnx.NodeProto],
    *,
    constants: Sequence[onnx.TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Sequence[str] = (),
) -> bytes:
    """A model from x [batch, 4] to y [batch, 4]."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", FLOATS, ["batch", 4])],
        [helper.make_tensor_value_info("y", FLOATS, ["batch", 4])],
        list(constants),
    )
    opsets = [helper.make_opsetid(domain, 20 if not domain else 1) for domain in ("", *domains)]
    model = helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=9)
    return bytes(model.SerializeToString())


def torch_export(module: nn.Module) -> bytes:
    """PyTorch's own export of a module as it stands, train mode kept."""
    program = torch.onnx.export(
        module,
        (torch.zeros(2, 4, 5, 5),),
        dynamo=True,
        verbose=False,
        optimize=False,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


@pytest.mark.filterwarnings("ignore")
def test_a_train_mode_dropout_export_is_refused() -> None:
    """The plain mistake: eval() forgotten, every image of every user differs and is noisy."""
    report = check_inference_only(torch_export(nn.Sequential(nn.Conv2d(4, 4, 1), nn.Dropout(0.5)).train()))
    assert not report.passed
    with pytest.raises(GateError, match=r"model\.onnx is not inference-only.*Dropout"):
        report.require("model.onnx")


@pytest.mark.filterwarnings("ignore")
def test_a_train_mode_dropout2d_export_is_refused_though_it_has_no_dropout_node() -> None:
    """Searching for Dropout nodes finds nothing here; the random mask is built of other operators."""
    model = torch_export(nn.Sequential(nn.Conv2d(4, 4, 1), nn.Dropout2d(0.5)).train())
    report = check_inference_only(model)
    assert not any("Dropout" in name for name in report.operators)
    assert not report.passed
    assert any("draws random numbers" in violation for violation in report.violations)


@pytest.mark.parametrize("make", [mlp, convolutions])
def test_a_network_left_in_train_mode_is_not_exported(make: object) -> None:
    """Nobody should get as far as the gate with a network that still drops units."""
    generator = make()  # type: ignore[operator]
    generator.train()
    with pytest.raises(ExportError, match=r"train mode.*eval"):
        to_onnx(generator, LATENT_DIM, ending=ImageEnding(), opset=20)


def test_one_module_left_in_train_mode_is_enough_to_refuse() -> None:
    """eval() on the whole, then train() on a part: the export names that part."""
    generator = convolutions()
    generator.body[1].train()  # type: ignore[index]
    with pytest.raises(ExportError, match=r"body\.1"):
        to_onnx(generator, LATENT_DIM, ending=ImageEnding(), opset=20)


@pytest.mark.parametrize("extra_outputs", [False, True])
def test_batch_normalization_in_training_form_is_refused(extra_outputs: bool) -> None:
    """It would make an image depend on the others in its batch."""
    names = ["scale", "bias", "mean", "variance"]
    constants = [numpy_helper.from_array(np.ones(4, np.float32), name) for name in names]
    outputs = ["y", "new_mean", "new_variance"] if extra_outputs else ["y"]
    node = helper.make_node("BatchNormalization", ["x", *names], outputs, training_mode=1)
    report = check_inference_only(model_of([node], constants=constants))
    assert any("normalises by the batch" in violation for violation in report.violations)


def test_batch_normalization_in_inference_form_passes() -> None:
    """The gate must not refuse what is harmless."""
    names = ["scale", "bias", "mean", "variance"]
    constants = [numpy_helper.from_array(np.ones(4, np.float32), name) for name in names]
    node = helper.make_node("BatchNormalization", ["x", *names], ["y"])
    assert check_inference_only(model_of([node], constants=constants)).passed


def test_a_random_operator_inside_an_if_is_found() -> None:
    """Subgraphs are where a search through the top-level nodes does not look."""
    branches = {
        name: helper.make_graph(
            [helper.make_node(op, ["x"], [f"{name}_out"], f"{name}_noise")],
            name,
            [],
            [helper.make_tensor_value_info(f"{name}_out", FLOATS, ["batch", 4])],
        )
        for name, op in (("then_branch", "RandomNormalLike"), ("else_branch", "Identity"))
    }
    condition = numpy_helper.from_array(np.array(False), "condition")
    node = helper.make_node("If", ["condition"], ["y"], "choice", **branches)
    report = check_inference_only(model_of([node], constants=[condition]))
    assert any("then_noise" in v or "then_branch_noise" in v for v in report.violations), report
    assert any("a subgraph of If choice" in violation for violation in report.violations)


def test_a_random_operator_inside_a_function_is_found() -> None:
    """Exporters may leave modules as functions; their bodies count too."""
    function = helper.make_function(
        "local",
        "Noisy",
        ["a"],
        ["b"],
        [helper.make_node("RandomNormalLike", ["a"], ["b"], "noise")],
        [helper.make_opsetid("", 20)],
    )
    node = helper.make_node("Noisy", ["x"], ["y"], domain="local")
    report = check_inference_only(model_of([node], functions=[function], domains=["local"]))
    assert any("function Noisy" in violation for violation in report.violations)


@pytest.mark.parametrize(
    "op", ["RandomNormal", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"]
)
def test_every_random_operator_is_refused(op: str) -> None:
    """One that is forgotten is a hole."""
    attributes = {"shape": [1, 4]} if op in ("RandomNormal", "RandomUniform") else {}
    noise = helper.make_node(op, [] if attributes else ["x"], ["noise"], **attributes)
    sum_ = helper.make_node("Identity", ["x"], ["y"])
    report = check_inference_only(model_of([noise, sum_]))
    assert any("draws random numbers" in violation for violation in report.violations)


def test_a_dropout_node_of_another_domain_is_refused() -> None:
    """onnxruntime has Dropout kernels of its own, for instance BiasDropout."""
    node = helper.make_node("BiasDropout", ["x"], ["y"], domain="com.microsoft")
    assert any(
        "is dropout" in v
        for v in check_inference_only(model_of([node], domains=["com.microsoft"])).violations
    )


def test_weights_outside_the_file_are_refused() -> None:
    """A file that needs a second one is not self-contained, and could name any path."""
    weight = numpy_helper.from_array(np.ones(4, np.float32), "weight")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../etc/passwd")
    node = helper.make_node("Add", ["x", "weight"], ["y"])
    report = check_inference_only(model_of([node], constants=[weight]))
    assert report.violations == ("weight weight is stored outside the file",)


def test_two_runs_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no telling name still shows when it runs: here a session that counts its calls."""
    import onnxruntime

    class Unsteady(onnxruntime.InferenceSession):  # type: ignore[misc]
        calls = 0

        def run(self, *arguments: object) -> list[np.ndarray]:
            Unsteady.calls += 1
            (value,) = super().run(*arguments)
            return [value + np.float32(1e-6 * Unsteady.calls)]

    model = model_of([helper.make_node("Tanh", ["x"], ["y"])])
    assert check_inference_only(model).passed
    monkeypatch.setattr(onnxruntime, "InferenceSession", Unsteady)
    assert check_inference_only(model).violations == ("two runs on equal inputs differ",)


def test_a_clean_model_of_somebody_else_passes() -> None:
    """The gate is for any ONNX file: subgraphs, several inputs' worth of operators, no card."""
    weight = numpy_helper.from_array(np.eye(4, dtype=np.float32), "weight")
    nodes = [
        helper.make_node("MatMul", ["x", "weight"], ["h"]),
        helper.make_node("Softmax", ["h"], ["s"]),
        helper.make_node("Add", ["s", "x"], ["y"]),
    ]
    report = check_inference_only(model_of(nodes, constants=[weight]))
    assert report.passed
    assert report.operators == {"Add": 1, "MatMul": 1, "Softmax": 1}


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"PK\x03\x04 not a model", b"\x08\x09"])
def test_what_is_no_onnx_is_said_to_be_none(data: bytes) -> None:
    """One line, no traceback."""
    with pytest.raises(ModelError, match="not a readable ONNX file"):
        check_inference_only(data)


def test_the_exported_model_passes(model_file: Path) -> None:
    """The real thing, with the operators that a reader of the file sees."""
    report = check_inference_only(model_file.read_bytes())
    assert report.passed
    assert report.operators == {
        "Add": 1, "Gemm": 3, "Mul": 1, "QuantizeLinear": 1, "Relu": 2, "Reshape": 1, "Tanh": 1,
    }  # fmt: skip
