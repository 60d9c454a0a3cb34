"""int8: a float32 file to one whose matrix products run on bytes.

Static quantisation in the QDQ form that onnxruntime and other runtimes fuse: weights as int8 with a
scale an output channel, activations as uint8 with a scale and a zero point from a calibration over
the latent stream (Jacob et al., "Quantization and training of neural networks for efficient
integer-arithmetic-only inference", CVPR 2018). Everything after the last product stays in float32,
so the pixels' own scaling loses nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from dropgan.serve.providers import CPU, load_onnxruntime

from .inputs import Inputs
from .postprocessing import drop_unused

CALIBRATION_SAMPLES = 2048
_BATCH = 256
_KEPT = 1 << 18  # numbers of an activation that its range is fitted to
_SHRINK = np.linspace(1.0, 0.4, 31)
_LEVELS, _WEIGHT_LEVELS = 255, 127


@dataclass(frozen=True)
class Layer:
    """A product with constant weights, the part of a graph that gains from bytes.

    Attributes:
        name: Its node's name.
        op: ``Gemm``, ``MatMul`` or ``Conv``.
        input: The activation that it reads.
        output: The activation that it makes.
        weight: Its weights' name.
        bias: Its bias's name, or an empty text.
        axis: Axis of the weights that counts output channels.
    """

    name: str
    op: str
    input: str
    output: str
    weight: str
    bias: str
    axis: int


@dataclass(frozen=True)
class Range:
    """How an activation becomes bytes: ``q = round(x / scale) + zero``, kept to 0 to 255."""

    scale: float
    zero: int


def find_layers(model: onnx.ModelProto) -> list[Layer]:
    """The layers that onnxruntime has byte kernels for, in the graph's order.

    Transposed convolutions are not among them: in onnxruntime they run in float32 all the same. Nor
    is a convolution that makes the image itself: its kernel would round the image's values to bytes
    before tanh spreads them.
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
        if node.op_type == "Conv" and node.output[0] in last:
            continue
        attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
        if node.op_type == "Gemm" and (
            attributes.get("alpha", 1.0) != 1 or attributes.get("beta", 1.0) != 1 or attributes.get("transA")
        ):
            continue
        weight = constants[node.input[1]]
        bias = node.input[2] if len(node.input) > 2 else ""
        if weight.data_type != onnx.TensorProto.FLOAT or (bias and bias not in constants):
            continue
        first = node.op_type == "Conv" or (node.op_type == "Gemm" and bool(attributes.get("transB")))
        axis = 0 if first else len(weight.dims) - 1
        layers.append(Layer(node.name, node.op_type, node.input[0], node.output[0], weight.name, bias, axis))
    return layers


def calibrate(model: onnx.ModelProto, layers: list[Layer], *, inputs: Inputs, seed: int) -> dict[str, Range]:
    """Fit a range to the input of each layer, and to what convolutions make.

    Args:
        model: The float32 model.
        layers: From `find_layers`.
        inputs: What the model is fed.
        seed: Of the streams, whose first 2,048 samples are run.

    The range is the one of 31 shrunken ones about what was seen that loses least in the mean
    square: clipping a few outliers costs less than coarser steps for all.
    """
    onnxruntime = load_onnxruntime()
    names = [layer.input for layer in layers] + [layer.output for layer in layers if layer.op == "Conv"]
    names = list(dict.fromkeys(names))
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    inner = [name for name in names if name != model.graph.input[0].name]
    probe.graph.output.extend(
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in inner
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(probe.SerializeToString(), options, providers=[CPU])
    seen: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for start in range(0, CALIBRATION_SAMPLES, _BATCH):
        feed = inputs(_BATCH, seed=seed, start=start)
        values = dict(zip(inner, session.run(inner, feed), strict=True)) if inner else {}
        for name, value in {**feed, **values}.items():
            if name in seen:
                step = max(1, value.size * CALIBRATION_SAMPLES // _BATCH // _KEPT)
                seen[name].append(value.reshape(-1)[::step])
                seen[name].append(np.array([value.min(), value.max()], dtype=np.float32))
    return {name: _fit_range(np.concatenate(parts)) for name, parts in seen.items()}


def quantize(model: onnx.ModelProto, layers: list[Layer], ranges: dict[str, Range]) -> onnx.ModelProto:
    """A copy of a model with some of its layers on bytes.

    Args:
        model: As `to_onnx` makes it in float32.
        layers: The layers to convert; the others stay in float32.
        ranges: Of their inputs, from `calibrate`.
    """
    return _Converter(model, layers, ranges).convert()


def _fit_range(values: NDArray[np.float32]) -> Range:
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    best, least = Range(1.0, 0), np.inf
    for shrink in _SHRINK:
        scale = float(np.float32(max(high - low, 1e-6) * shrink / _LEVELS))
        zero = int(np.clip(np.rint(-low * shrink / scale), 0, _LEVELS))
        quantised = np.clip(np.rint(values / scale) + zero, 0, _LEVELS)
        loss = float(np.mean(((quantised - zero) * scale - values) ** 2))
        if loss < least:
            best, least = Range(scale, zero), loss
    return best


class _Converter:
    def __init__(self, model: onnx.ModelProto, layers: list[Layer], ranges: dict[str, Range]) -> None:
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        self.graph = self.model.graph
        self.layers = {layer.name: layer for layer in layers}
        self.ranges = ranges
        self.nodes: list[onnx.NodeProto] = []
        self.ready: dict[str, str] = {}  # activation to its value after bytes and back
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}

    def convert(self) -> onnx.ModelProto:
        old = list(self.graph.node)
        for node in old:
            if self._is_clip(node):
                doc = "rounds to bytes; cutting off what lies below level 0 is the relu"
                self._activation(node.output[0], source=node.input[0], doc=doc)
            elif node.name in self.layers:
                self._layer(node, self.layers[node.name])
            else:
                self.nodes.append(node)
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        drop_unused(self.graph)
        onnx.checker.check_model(self.model, full_check=True)
        return self.model

    def _is_clip(self, node: onnx.NodeProto) -> bool:
        """Whether a node is a relu, read only as bytes whose level 0 is the number 0."""
        name = node.output[0]
        return node.op_type == "Relu" and self._all_on_bytes(name) and self.ranges[name].zero == 0

    def _all_on_bytes(self, name: str) -> bool:
        readers = self.readers.get(name, [])
        return bool(readers) and all(node.name in self.layers and node.input[0] == name for node in readers)

    def _layer(self, node: onnx.NodeProto, layer: Layer) -> None:
        scale_in = np.float32(self.ranges[layer.input].scale)
        weight = numpy_helper.to_array(self.constants[layer.weight])
        others = tuple(axis for axis in range(weight.ndim) if axis != layer.axis)
        largest = np.abs(weight).max(axis=others)
        scale = np.where(largest > 0, largest / _WEIGHT_LEVELS, 1.0).astype(np.float32)
        shape = [1] * weight.ndim
        shape[layer.axis] = -1
        integers = np.clip(np.rint(weight / scale.reshape(shape)), -_WEIGHT_LEVELS, _WEIGHT_LEVELS)
        node.input[0] = self._activation(layer.input, source=layer.input, doc="rounds to bytes")
        node.input[1] = self._weight(layer.weight, integers.astype(np.int8), scale, layer.axis)
        if layer.bias:
            bias = numpy_helper.to_array(self.constants[layer.bias]).astype(np.float64)
            unit = scale_in * scale  # of the products that the bias is added to
            limit = 2**31 - 1
            whole = np.clip(np.rint(bias / unit), -limit, limit).astype(np.int32)
            node.input[2] = self._weight(layer.bias, whole, unit, 0)
        self.nodes.append(node)
        readers = self.readers.get(layer.output, [])
        if (
            layer.op == "Conv"
            and not self._all_on_bytes(layer.output)
            and not all(map(self._is_clip, readers))
        ):
            # onnxruntime's byte convolution makes bytes, so its result must say how
            node.output[0] = f"{layer.output}.sum"
            self._activation(layer.output, source=node.output[0], doc="rounds to bytes")
            self.nodes[-1].output[0] = layer.output
            self.ready[layer.output] = layer.output

    def _activation(self, name: str, *, source: str, doc: str) -> str:
        if name not in self.ready:
            fitted = self.ranges[name]
            constants = [
                self._constant(f"{name}.scale", np.array(fitted.scale, np.float32)),
                self._constant(f"{name}.zero", np.array(fitted.zero, np.uint8)),
            ]
            rounded = self._add("QuantizeLinear", f"{name}.to_uint8", [source, *constants], doc)
            self.ready[name] = self._add("DequantizeLinear", f"{name}.from_uint8", [rounded, *constants])
        return self.ready[name]

    def _weight(self, name: str, integers: NDArray[Any], scale: NDArray[np.float32], axis: int) -> str:
        self.constants[name].CopyFrom(numpy_helper.from_array(integers, name))
        constants = [self._constant(f"{name}.scale", scale)]
        if integers.dtype == np.int8:  # all 0 and so optional, but onnxruntime fuses nothing without it
            constants.append(self._constant(f"{name}.zero", np.zeros(scale.shape, np.int8)))
        return self._add("DequantizeLinear", f"{name}.as_float", [name, *constants], axis=axis)

    def _add(self, op: str, name: str, inputs: list[str], doc: str = "", **attributes: Any) -> str:
        node = helper.make_node(op, inputs, [name], name, **attributes)
        node.doc_string = doc
        self.nodes.append(node)
        return name

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name
