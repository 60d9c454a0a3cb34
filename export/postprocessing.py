"""The end of the graph: convert the generator's floats to the requested output."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from .units import Units

Shape = tuple[int, int, int]
"""(channels, height, width)."""


def append_units(model: onnx.ModelProto, units: Units) -> None:
    """Convert the output, float32 [batch, columns], to the columns' own units and bounds."""
    end = GraphEnd(model)
    scale, mean = end.constant("units.scale", units.scale), end.constant("units.mean", units.mean)
    end.add("Mul", "to_units.scale", [scale], doc="standard deviations of the training data's columns")
    end.add("Add", "to_units.mean", [mean], doc="means of the training data's columns")
    if units.mass is not None and units.width is not None:
        _append_fold(end, units.mass, units.mass + units.width)
    if units.low is not None and units.high is not None:
        low, high = end.constant("units.low", units.low), end.constant("units.high", units.high)
        end.add("Max", "to_units.low", [low], doc="the least value of each column in the training data")
        end.add("Min", "to_units.high", [high], doc="the largest value of each column in the training data")
    if units.whole is not None:
        exact, whole = end.value, end.constant("units.whole", units.whole)
        end.add("Round", "to_units.round", [], doc="halves to even")
        rounded, end.value = end.value, whole
        end.add("Where", "to_units.whole", [rounded, exact], doc="only columns of whole numbers are rounded")
    end.finish(onnx.TensorProto.FLOAT, (len(units.mean),))


def _append_fold(end: "GraphEnd", mass: NDArray[np.float32], above: NDArray[np.float32]) -> None:
    """Fold the interval from ``mass`` to ``above`` onto the mass: min(x, mass) + max(x - above, 0).

    A column without a mass has 0 for both, and min(x, 0) + max(x, 0) is x to the bit.
    """
    spread = end.value
    masses = end.constant("units.mass", mass)
    end.add("Min", "to_units.below_mass", [masses], doc="values that many rows of the training data share")
    below, end.value = end.value, spread
    end.add("Sub", "to_units.above_mass", [end.constant("units.above", above)])
    end.add("Max", "to_units.beyond_mass", [end.constant("units.zero", np.zeros(1, np.float32))])
    end.add("Add", "to_units.folded", [below], doc="what training spread over an interval is one value again")


def append_types(model: onnx.ModelProto, nodes: int, edge_channels: int) -> None:
    """Turn output ``graphs``, float32 [batch, channels, nodes, nodes], into uint8 [batch, nodes, nodes].

    Logits of edges are off the diagonal, those of nodes on it, with 0 elsewhere. The largest wins, and of
    equal ones the first. No random number is drawn.
    """
    end = GraphEnd(model)
    logits, eye = end.value, np.eye(nodes, dtype=np.int64)
    first, last = (
        end.constant("edges.begin", np.zeros(1, np.int64)),
        end.constant("axis", np.ones(1, np.int64)),
    )
    border = end.constant("edges.end", np.array([edge_channels], np.int64))
    beyond = end.constant("nodes.end", np.array([2**31 - 1], np.int64))
    across = end.constant("last_axis", np.array([3], np.int64))
    column, row = end.constant("column", np.array([2], np.int64)), last
    end.add("Slice", "to_types.nodes", [border, beyond, last], doc="logits of nodes, on the diagonal")
    end.add("ReduceSum", "to_types.diagonal", [across], keepdims=0, doc="beside it there are zeros")
    end.add(
        "ArgMax", "to_types.node", [], axis=1, keepdims=0, doc="the likeliest type of each node, 0: absent"
    )
    node = end.value
    end.add("Min", "to_types.there", [end.constant("one", np.ones(1, np.int64))], doc="1 for a node, else 0")
    there = end.value
    end.add("Unsqueeze", "to_types.from", [column])
    one, end.value = end.value, there
    end.add("Unsqueeze", "to_types.to", [row])
    end.add("Mul", "to_types.both", [one], doc="1 where both nodes are there")
    both, end.value = end.value, logits
    end.add("Slice", "to_types.edges", [first, border, last], doc="logits of edges, beside the diagonal")
    end.add("ArgMax", "to_types.edge", [], axis=1, keepdims=0, doc="the likeliest type of each edge, 0: none")
    end.add("Mul", "to_types.present", [both], doc="no edges to absent nodes")
    end.add("Mul", "to_types.beside", [end.constant("beside_diagonal", 1 - eye)])
    edges, end.value = end.value, node
    end.add("Unsqueeze", "to_types.on", [column])
    end.add("Mul", "to_types.diagonal_types", [end.constant("diagonal", eye)])
    end.add("Add", "to_types.both_types", [edges], doc="nodes on the diagonal, edges beside it")
    end.add("Cast", "to_types.uint8", [], to=onnx.TensorProto.UINT8)
    end.finish(onnx.TensorProto.UINT8, (nodes, nodes))


def append_postprocessing(model: onnx.ModelProto, shape: Shape, *, output: str, layout: str) -> None:
    """Convert output ``images``, float32 [batch, channels, height, width], to pixels and a layout.

    Pixels are exactly ``round(x * 127.5 + 127.5)``, halves to even, in three elementwise steps: a product, a
    sum, and QuantizeLinear with scale 1 and zero point 0, which by definition rounds halves to even and
    saturates to 0 to 255. A reshape at the end of the generator is merged with that of the layout, so no
    number is moved twice.
    """
    end = GraphEnd(model)
    channels, height, width = shape
    flat = end.take_last_reshape()
    if output == "pixels":
        half = end.constant("half_range", np.array(127.5, np.float32))
        end.add("Mul", "to_levels.scale", [half], doc="-1 to 1 becomes -127.5 to 127.5")
        end.add("Add", "to_levels.shift", [half], doc="-127.5 to 127.5 becomes 0 to 255")
        unit = end.constant("one_level", np.array(1, np.float32))
        black = end.constant("level_zero", np.array(0, np.uint8))
        end.add(
            "QuantizeLinear",
            "to_levels.round",
            [unit, black],
            doc="scale 1: no quantisation, only rounding (halves to even) and clipping to uint8",
        )
    if layout == "nhwc" and channels == 1:  # the same order of numbers: nothing needs to move
        end.reshape("to_nhwc", (-1, height, width, 1))
    else:
        if flat:
            end.reshape("to_nchw", (-1, channels, height, width))
        if layout == "nhwc":
            end.add("Transpose", "to_nhwc", [], perm=[0, 2, 3, 1])
        elif layout == "rgb-nchw" and channels == 1:
            three = end.constant("three_channels", np.array([1, 3, 1, 1], np.int64))
            end.add("Expand", "to_rgb", [three], doc="grey as red, green and blue")
    kind = onnx.TensorProto.UINT8 if output == "pixels" else onnx.TensorProto.FLOAT
    sizes = (height, width, channels) if layout == "nhwc" else (channels, height, width)
    if layout == "rgb-nchw":
        sizes = (3, height, width)
    end.finish(kind, sizes)


def simplify_postprocessing(model: onnx.ModelProto) -> None:
    """Replace tanh and the scaling to levels by a sigmoid with the same values, for int8 files.

    127.5 tanh(x) + 127.5 = 255 sigmoid(2x), which saves two passes over the pixels. The factor 2 goes exactly
    into the last layer's weights or their scales. The rounding of single values may differ from that of the
    float32 file, by far less than int8 itself changes them.
    """
    graph = model.graph
    nodes = {node.name: node for node in graph.node}
    makers = {name: node for node in graph.node for name in node.output}
    if "to_levels.round" not in nodes:
        return
    round_, scale = nodes["to_levels.round"], nodes["to_levels.scale"]
    tanh = makers.get(scale.input[0])
    layer = makers.get(tanh.input[0]) if tanh is not None and tanh.op_type == "Tanh" else None
    while layer is not None and layer.op_type in ("DepthToSpace", "Slice"):  # these only move values
        layer = makers.get(layer.input[0])
    if tanh is None or layer is None or layer.op_type not in ("Gemm", "Conv") or len(layer.input) != 3:
        return
    constants = {tensor.name: tensor for tensor in graph.initializer}
    doubled = [makers[name].input[1] if name in makers else name for name in layer.input[1:]]
    if not all(name in constants for name in doubled):
        return
    for name in doubled:
        value = onnx.numpy_helper.to_array(constants[name])
        constants[name].CopyFrom(onnx.numpy_helper.from_array(value * 2, f"{name}_doubled"))
        for node in graph.node:
            node.input[:] = [f"{name}_doubled" if read == name else read for read in node.input]
    level = onnx.numpy_helper.from_array(np.array(1 / 255, np.float32), "level")
    graph.initializer.append(level)
    sigmoid = onnx.helper.make_node("Sigmoid", [tanh.input[0]], ["sigmoid"], "sigmoid")
    sigmoid.doc_string = "of twice the tanh's argument: (tanh(x) + 1) / 2; the 2 is in the weights' scales"
    round_.input[0], round_.input[1] = "sigmoid", "level"
    round_.doc_string = "0 to 1 becomes levels 0 to 255"
    place = list(graph.node).index(tanh)
    graph.node.insert(place, sigmoid)
    for node in (tanh, scale, nodes["to_levels.shift"]):
        graph.node.remove(node)
    drop_unused(graph)


class GraphEnd:
    """The last value of a graph, to which operators are added one by one. The output keeps its name."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.graph = graph = model.graph
        self.batch = graph.input[0].type.tensor_type.shape.dim[0].dim_param
        last = next(node for node in graph.node if graph.output[0].name in node.output)
        self.value = last.output[0] = last.name  # the output's own name is for the tail's last value
        self.output = graph.output[0].name

    def take_last_reshape(self) -> bool:
        """Remove a last reshape of one row per sample to NCHW; return True if there was one."""
        last = self.graph.node[-1]
        if last.op_type != "Reshape" or last.output[0] != self.value:
            return False
        known = onnx.shape_inference.infer_shapes(self.model).graph.value_info
        ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in known}
        if ranks.get(last.input[0]) != 2:
            return False
        self.value = last.input[0]
        self.graph.node.remove(last)
        drop_unused(self.graph)
        return True

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
        return name

    def reshape(self, name: str, sizes: tuple[int, ...]) -> None:
        self.add("Reshape", name, [self.constant(f"{name}.shape", np.array(sizes, np.int64))])

    def add(self, op: str, name: str, inputs: list[str], doc: str = "", **attributes: Any) -> None:
        node = onnx.helper.make_node(op, [self.value, *inputs], [name], name, **attributes)
        node.doc_string = doc
        self.graph.node.append(node)
        self.value = name

    def finish(self, kind: int, sizes: tuple[int, ...]) -> None:
        """Give the last value the output's name, type and shape."""
        last = next(node for node in self.graph.node if self.value in node.output)
        last.output[0] = self.output
        value = onnx.helper.make_tensor_value_info(self.output, kind, [self.batch, *sizes])
        self.graph.output[0].CopyFrom(value)


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove constants that no node reads."""
    used = {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)
