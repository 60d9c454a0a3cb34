"""Infer the shapes and the amount of work of a whole graph without running it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .onnx_file import Graph, Node, Tensor, Value
from .rules import RULES, einsum_sizes
from .values import MAX_NUMBERS, MAX_RANK, Known, Shape, constant, integer, integers, shape_of

PROBE = 1021
"""Batch size for which shapes are inferred: a prime, so that no fixed size equals it."""

MAX_ELEMENTS = 1 << 22
"""Elements of any one value, a sample: 128x128 pixels of 256 channels."""
MAX_WORK = 1 << 35
"""Multiplications a sample: seconds on one core."""
_SLACK = 1 << 20  # constants computed from constants: as many elements as the file has bytes, and this

_MAX_SIZE = 2**40


def trace(graph: Graph, size: int) -> dict[str, Known]:
    """Infer every value of a graph for a batch of PROBE.

    Args:
        graph: A graph whose operators all have rules and whose inputs all have shapes.
        size: Size of the file in bytes.

    Raises:
        ModelError: A node does not fit its inputs, reads a value that no earlier node makes, or makes
            more than a generator of images can need.
    """
    values: dict[str, Known] = {}
    for tensor in graph.tensors:
        _define(values, tensor.name, constant(tensor))
    for value in graph.inputs:
        shape = with_batch(value)
        if math.prod(shape) > MAX_ELEMENTS * PROBE:
            raise ModelError(f"its input {value.name[:80]} is too large")
        _define(values, value.name, Known(shape, varies=True))
    work = folded = folding = 0
    for node in graph.nodes:
        inputs = [_read(values, name, node) for name in node.inputs]
        outputs = _outputs(node, inputs)
        for name, made in zip(node.outputs, outputs, strict=False):
            elements = math.prod(made.shape)
            if made.varies and elements > MAX_ELEMENTS * PROBE:
                raise ModelError(
                    f"its node {_title(node)} makes {elements // PROBE:,} numbers a sample,"
                    f" more than {MAX_ELEMENTS:,}"
                )
            if name:
                _define(values, name, made)
            cost = _work(node, inputs, made.shape)
            if made.varies:
                work += cost
            else:
                folded, folding = folded + elements, folding + cost
        if work > MAX_WORK * PROBE:
            raise ModelError("a single sample of it would take minutes to compute")
        if max(folded, folding // 64) > size + _SLACK:
            raise ModelError("it is small but would unpack to more constants than it has bytes")
    return values


def with_batch(value: Value) -> Shape:
    """Return an input's or output's declared shape with PROBE in place of open dimensions."""
    return tuple(PROBE if isinstance(size, str) else size for size in value.shape or ())


def _define(values: dict[str, Known], name: str, value: Known) -> None:
    if name in values:
        raise ModelError(f"its value {name[:80]} is made twice")
    values[name] = value


def _read(values: dict[str, Known], name: str, node: Node) -> Known | None:
    if name and name not in values:
        raise ModelError(f"its node {_title(node)} reads {name[:80]}, which nothing before it makes")
    return values[name] if name else None


def _title(node: Node) -> str:
    return f"{node.op} {node.name}".strip()[:80]


def _outputs(node: Node, inputs: list[Known | None]) -> list[Known]:
    try:
        if node.op == "Constant":
            tensor = node.attributes["value"]
            return [constant(tensor)] if isinstance(tensor, Tensor) else _refuse()
        shapes = RULES[node.op](node, inputs)
        numbers = _fold(node, inputs)
        if len(node.outputs) > len(shapes) or any(not _bearable(shape) for shape in shapes):
            _refuse()
    except ModelError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ModelError(f"its node {_title(node)} does not fit its inputs") from error
    varies = any(value is not None and value.varies for value in inputs) and numbers is None
    return [Known(shape, varies, numbers) for shape in shapes]


def _refuse() -> Any:
    raise ValueError


def _bearable(shape: Shape) -> bool:
    return len(shape) <= MAX_RANK and all(0 <= size < _MAX_SIZE for size in shape)


def _work(node: Node, inputs: list[Known | None], shape: Shape) -> int:
    """Estimate the multiplications of a node. An elementwise node counts each number it touches once."""
    if node.op in ("MatMul", "Gemm"):
        first = shape_of(inputs, 0)
        return math.prod(shape) * first[0 if node.op == "Gemm" and integer(node, "transA", 0) else -1]
    if node.op == "Conv":
        return math.prod(shape) * math.prod(shape_of(inputs, 1)[1:])
    if node.op == "ConvTranspose":
        return math.prod(shape_of(inputs, 0)) * math.prod(shape_of(inputs, 1)[1:])
    if node.op in ("AveragePool", "MaxPool"):
        return math.prod(shape) * math.prod(integers(node, "kernel_shape"))
    if node.op == "Einsum":
        sizes: dict[str, int] = {}
        einsum_sizes(node, inputs, sizes)
        return math.prod(sizes.values())
    touched = [math.prod(value.shape) for value in inputs if value is not None]
    return max(math.prod(shape), *touched, 0) if touched else math.prod(shape)


def _fold(node: Node, inputs: list[Known | None]) -> NDArray[Any] | None:
    """Return the value of a node that computes on shapes, if all of its inputs are known."""
    if node.op == "Shape":
        shape = shape_of(inputs, 0)
        return np.array(shape[integer(node, "start", 0) : node.attributes.get("end", len(shape))])
    values = [value.numbers for value in inputs if value is not None and value.numbers is not None]
    if len(values) != len(inputs) or node.op not in _FOLDED:
        return None
    result = np.asarray(_FOLDED[node.op](node, values))
    return result if result.size <= MAX_NUMBERS else None


_FOLDED: dict[str, Callable[[Node, list[NDArray[Any]]], Any]] = {
    "Identity": lambda node, values: values[0],
    "Cast": lambda node, values: values[0],
    "Concat": lambda node, values: np.concatenate(values, axis=integer(node, "axis", 0)),
    "Gather": lambda node, values: np.take(values[0], values[1].astype(np.int64), integer(node, "axis", 0)),
    "Unsqueeze": lambda node, values: np.expand_dims(values[0], tuple(values[1].tolist())),
    "Squeeze": lambda node, values: np.squeeze(values[0]),
    "Mul": lambda node, values: values[0] * values[1],
    "Add": lambda node, values: values[0] + values[1],
    "Sub": lambda node, values: values[0] - values[1],
}
