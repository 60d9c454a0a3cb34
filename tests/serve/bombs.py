"""Graphs that would take the machine's memory or time if onnxruntime saw them, and how each is refused."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import helper, numpy_helper

Change = Callable[[onnx.ModelProto], None]


def changed(data: bytes, change: Change) -> bytes:
    model = onnx.load_model_from_string(data)
    change(model)
    return bytes(model.SerializeToString())


def constant(model: onnx.ModelProto, name: str, value: np.ndarray) -> str:
    model.graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def before_all(model: onnx.ModelProto, *nodes: onnx.NodeProto) -> None:
    old = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *old])


BOMBS: dict[str, tuple[Change, str]] = {}


def bomb(message: str) -> Callable[[Change], Change]:
    def note(change: Change) -> Change:
        BOMBS[change.__name__] = (change, message)
        return change

    return note


@bomb("unpack to more constants")
def doubling(model: onnx.ModelProto) -> None:
    name = constant(model, "seed", np.zeros((1, 1024), np.float32))
    nodes = []
    for step in range(40):
        nodes.append(helper.make_node("Concat", [name, name], [f"twice_{step}"], axis=0))
        name = f"twice_{step}"
    before_all(model, *nodes)


@bomb("unpack to more constants")
def outer_product(model: onnx.ModelProto) -> None:
    tall = constant(model, "tall", np.zeros((100_000, 1), np.float32))
    wide = constant(model, "wide", np.zeros((1, 100_000), np.float32))
    before_all(model, helper.make_node("Mul", [tall, wide], ["square"]))


@bomb("unpack to more constants")
def huge_expand(model: onnx.ModelProto) -> None:
    sizes = constant(model, "sizes", np.array([2**20, 2**19], np.int64))
    one = constant(model, "a_one", np.ones((1, 1), np.float32))
    before_all(model, helper.make_node("Expand", [one, sizes], ["wall"]))


@bomb("unpack to more constants")
def endless_products(model: onnx.ModelProto) -> None:
    name = constant(model, "matrix", np.zeros((500, 500), np.float32))
    nodes = [
        helper.make_node("MatMul", [f"m{step - 1}" if step else name, name], [f"m{step}"])
        for step in range(2000)
    ]
    before_all(model, *nodes)


@bomb("numbers a sample, more than")
def huge_activation(model: onnx.ModelProto) -> None:
    times = constant(model, "times", np.array([1, 10**7], np.int64))
    before_all(model, helper.make_node("Tile", ["latents", times], ["wide"]))


@bomb("numbers a sample, more than|impossible|does not fit")
def batch_to_the_fourth(model: onnx.ModelProto) -> None:
    axis = constant(model, "first", np.array([0], np.int64))
    nodes = [
        helper.make_node("Shape", ["latents"], ["shape"]),
        helper.make_node("Gather", ["shape", axis], ["n"]),
        helper.make_node("Concat", ["n", "n", "n", "n"], ["sizes"], axis=0),
        helper.make_node("ReduceSum", ["latents"], ["total"], keepdims=0),
        helper.make_node("Expand", ["total", "sizes"], ["cube"]),
    ]
    before_all(model, *nodes)


@bomb("holds .* numbers, its shape")
def lying_dims(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 2**40


@bomb("does not fit its inputs|not have the shape")
def wrong_reshape(model: onnx.ModelProto) -> None:
    shape = next(t for t in model.graph.initializer if t.name == "to_nhwc.shape")
    shape.CopyFrom(numpy_helper.from_array(np.array([-1, 2**30, 28, 1]), shape.name))


@bomb("reads ghost, which nothing before it makes")
def dangling(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[0] = "ghost"


@bomb("is made twice")
def two_makers(model: onnx.ModelProto) -> None:
    model.graph.node[1].output[0] = model.graph.node[0].output[0]


@bomb("functions, training information or sparse weights")
def own_functions(model: onnx.ModelProto) -> None:
    function = helper.make_function("f", "F", ["a"], ["b"], [], [helper.make_opsetid("", 20)])
    model.functions.append(function)


@bomb("IR version")
def from_the_future(model: onnx.ModelProto) -> None:
    model.ir_version = 99


@bomb("operator set is 99")
def operators_from_the_future(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 99


@bomb("does not match its card's latents|does not fit its inputs")
def other_latents(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 64


@bomb("must have an open batch")
def fixed_batch(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 8
