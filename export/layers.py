"""Find the layers of a float32 graph that can run on bytes."""

from dataclasses import dataclass

import onnx
from onnx import helper


@dataclass(frozen=True)
class Window:
    """The receptive field of a convolution.

    Attributes:
        kernel: Height and width.
        pads: Padding above, left of, below and right of the input.
    """

    kernel: tuple[int, int]
    pads: tuple[int, int, int, int]


@dataclass(frozen=True)
class Layer:
    """A product with constant weights, which is the part of a graph that is faster on bytes.

    Attributes:
        name: Name of the node.
        op: ``Gemm``, ``MatMul`` or ``Conv``.
        input: The activation that it reads.
        output: The activation that it makes.
        weight: Name of the weights.
        bias: Name of the bias, or empty.
        axis: Axis of the weights' output channels.
        window: Window of a convolution.
    """

    name: str
    op: str
    input: str
    output: str
    weight: str
    bias: str
    axis: int
    window: Window | None = None


def find_layers(model: onnx.ModelProto) -> list[Layer]:
    """Return the layers for which onnxruntime has byte kernels, in the graph's order.

    Transposed convolutions are not included, because onnxruntime runs them in float32 anyway. Nor is a
    convolution that makes the image itself: its kernel would round the image's values to bytes before tanh
    spreads them. Grouped, dilated and one-dimensional convolutions, which no architecture has, stay in
    float32 too.
    """
    last = {node.input[0] for node in model.graph.node if node.op_type == "Tanh"}
    last |= {value.name for value in model.graph.output}
    for node in reversed(model.graph.node):  # what only moves values makes no image of its own
        if node.op_type in ("DepthToSpace", "Slice", "Reshape", "Transpose") and node.output[0] in last:
            last.add(node.input[0])
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    layers = []
    for node in model.graph.node:
        if node.op_type not in ("Gemm", "MatMul", "Conv") or node.input[1] not in constants:
            continue
        weight = constants[node.input[1]]
        bias = node.input[2] if len(node.input) > 2 else ""
        if weight.data_type != onnx.TensorProto.FLOAT or (bias and bias not in constants):
            continue
        attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
        window = None
        if node.op_type == "Conv":
            plain = (
                len(weight.dims) == 4
                and attributes.get("group", 1) == 1
                and set(attributes.get("dilations", [1])) == {1}
                and attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
            )
            if not plain or node.output[0] in last:
                continue
            top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
            window = Window((weight.dims[2], weight.dims[3]), (top, left, bottom, right))
        elif attributes.get("transA") or {attributes.get(name, 1.0) for name in ("alpha", "beta")} != {1.0}:
            continue
        first = window is not None or bool(attributes.get("transB"))
        axis = 0 if first else len(weight.dims) - 1
        layers.append(
            Layer(node.name, node.op_type, node.input[0], node.output[0], weight.name, bias, axis, window)
        )
    return layers
