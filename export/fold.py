"""Fold batch norms into the layers before them.

PyTorch's exporter folds a batch norm directly after a convolution or a dense layer. A generator also has one
after the reshape of its first dense layer to a stack of small images. It is folded here, with each channel's
scale and shift repeated over the rows that become its pixels. So is a batch norm after a convolution whose
channels became blocks of pixels (`DepthToSpace`), with scale and shift repeated over the channels of a block.
A batch norm without a linear layer before it stays, in its inference form.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from .postprocessing import drop_unused


def fold_batch_norms(model: onnx.ModelProto) -> None:
    """Fold every (Gemm, Reshape) or (Conv, DepthToSpace) before a batch norm, in place."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    readers: dict[str, int] = {}
    for node in graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        mover = makers.get(norm.input[0])
        layer = makers.get(mover.input[0]) if mover is not None else None
        if (
            mover is None
            or layer is None
            or (layer.op_type, mover.op_type) not in (("Gemm", "Reshape"), ("Conv", "DepthToSpace"))
            or any(readers[name] > 1 for name in (norm.input[0], mover.input[0]))
            or not all(name in constants and readers[name] == 1 for name in layer.input[1:3])
            or len(layer.input) != 3
            or not all(name in constants for name in norm.input[1:])
        ):
            continue
        scale, shift = _affine(norm, constants)
        repeat = _outputs_a_channel(mover, constants, len(scale))
        if not repeat:
            continue
        _scale_outputs(layer, constants, scale.repeat(repeat), shift.repeat(repeat))
        norm_output = norm.output[0]
        graph.node.remove(norm)
        mover.output[0] = norm_output
    drop_unused(graph)


def _outputs_a_channel(mover: onnx.NodeProto, constants: dict[str, onnx.TensorProto], channels: int) -> int:
    """Return how many consecutive outputs of the layer become one channel; 0 if they do not."""
    if mover.op_type == "DepthToSpace":
        attributes = {entry.name: onnx.helper.get_attribute_value(entry) for entry in mover.attribute}
        return attributes["blocksize"] ** 2 if attributes.get("mode") == b"CRD" else 0
    if mover.input[1] not in constants:
        return 0
    sizes = numpy_helper.to_array(constants[mover.input[1]])
    if len(sizes) < 3 or sizes[1] != channels or min(sizes[2:]) < 1:
        return 0
    return int(np.prod(sizes[2:]))


def _affine(
    norm: onnx.NodeProto, constants: dict[str, onnx.TensorProto]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a batch norm as ``x * scale + shift``, one of each per channel, in float64."""
    weight, bias, mean, variance = (
        numpy_helper.to_array(constants[name]).astype(np.float64) for name in norm.input[1:5]
    )
    epsilon = next((attribute.f for attribute in norm.attribute if attribute.name == "epsilon"), 1e-5)
    scale = weight / np.sqrt(variance + epsilon)
    return scale, bias - mean * scale


def _scale_outputs(
    layer: onnx.NodeProto,
    constants: dict[str, onnx.TensorProto],
    scale: NDArray[Any],
    shift: NDArray[Any],
) -> None:
    attributes = {entry.name: onnx.helper.get_attribute_value(entry) for entry in layer.attribute}
    weight, bias = (constants[name] for name in layer.input[1:3])
    matrix, vector = numpy_helper.to_array(weight), numpy_helper.to_array(bias)
    outputs_first = layer.op_type == "Conv" or attributes.get("transB")
    factor = scale.reshape(-1, *[1] * (matrix.ndim - 1)) if outputs_first else scale
    for tensor, value in (
        (weight, matrix.astype(np.float64) * factor),
        (bias, vector.astype(np.float64) * scale + shift),
    ):
        kind = numpy_helper.to_array(tensor).dtype
        tensor.CopyFrom(numpy_helper.from_array(value.astype(kind), tensor.name))
