"""int8: convert a float32 file to one whose matrix products run on bytes.

It uses static quantisation in the QDQ form that onnxruntime and other runtimes fuse: weights as int8 with one
scale per output channel, activations as uint8 with a scale and a zero point from a calibration over the
latent stream (Jacob et al., "Quantization and training of neural networks for efficient
integer-arithmetic-only inference", CVPR 2018). Nothing saturates (`rounding.py`), and products and sums are
exact (`scales.py`), so every processor computes the same. Everything after the last product stays in float32,
so the scaling of pixels loses nothing.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from .layers import Layer
from .postprocessing import drop_unused
from .rounding import Rounded
from .scales import Range


def quantize(
    model: onnx.ModelProto, layers: list[Layer], ranges: dict[str, Range], weights: dict[str, Rounded]
) -> onnx.ModelProto:
    """Return a copy of a model with some of its layers on bytes.

    Args:
        model: A float32 model from `to_onnx`.
        layers: The layers to convert; the others stay in float32.
        ranges: Ranges of the activations that they read, and that convolutions among them make.
        weights: Weights of the layers by name.
    """
    return _Converter(model, layers, ranges, weights).convert()


class _Converter:
    def __init__(
        self,
        model: onnx.ModelProto,
        layers: list[Layer],
        ranges: dict[str, Range],
        weights: dict[str, Rounded],
    ) -> None:
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        self.graph = self.model.graph
        self.layers = {layer.name: layer for layer in layers}
        self.ranges, self.weights = ranges, weights
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
        """Return True for a relu that is read only as bytes whose level 0 is the number 0."""
        name = node.output[0]
        return node.op_type == "Relu" and self._all_on_bytes(name) and self.ranges[name].zero == 0

    def _all_on_bytes(self, name: str) -> bool:
        readers = self.readers.get(name, [])
        return bool(readers) and all(node.name in self.layers and node.input[0] == name for node in readers)

    def _layer(self, node: onnx.NodeProto, layer: Layer) -> None:
        scale_in = np.float32(self.ranges[layer.input].scale)
        rounded = self.weights[layer.name]
        node.input[0] = self._activation(layer.input, source=layer.input, doc="rounds to bytes")
        node.input[1] = self._weight(layer.weight, rounded.integers, rounded.scale, layer.axis)
        if layer.bias:
            bias = numpy_helper.to_array(self.constants[layer.bias]).astype(np.float64)
            unit = scale_in * rounded.scale  # of the products that the bias is added to
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
