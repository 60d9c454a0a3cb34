"""The shape rules of the operators that a dropgan file may contain.

They follow the ONNX operator reference. The runtime refuses operators without a rule. To allow another one,
write its rule and name it in RULES. If inputs do not fit, a rule raises any ValueError, IndexError, KeyError,
TypeError or AttributeError, which `serve.loading.shapes` turns into a message.
"""

import math
from collections.abc import Callable

import numpy as np

from .onnx_file import Node
from .values import (
    MAX_RANK,
    Inputs,
    Shape,
    axis_of,
    integer,
    integers,
    need,
    numbers_of,
    optional_numbers,
    shape_of,
)
from .windows import conv, conv_transpose, global_pool, pool

Rule = Callable[[Node, Inputs], list[Shape]]


def _same(node: Node, inputs: Inputs) -> list[Shape]:
    return [shape_of(inputs, 0)]


def _quantise(node: Node, inputs: Inputs) -> list[Shape]:
    shape, scale = shape_of(inputs, 0), shape_of(inputs, 1)
    if scale:  # one for each slice along an axis
        need(scale == (shape[axis_of(integer(node, "axis", 1), len(shape))],))
    if len(inputs) > 2 and inputs[2] is not None:
        need(inputs[2].shape == scale)
    return [shape]


def _batch_norm(node: Node, inputs: Inputs) -> list[Shape]:
    shape = shape_of(inputs, 0)
    need(len(inputs) == 5 and all(shape_of(inputs, place) == (shape[1],) for place in range(1, 5)))
    need(not integer(node, "training_mode", 0))
    return [shape]


def _channel_norm(node: Node, inputs: Inputs) -> list[Shape]:
    shape = shape_of(inputs, 0)
    need(all(len(shape_of(inputs, place)) == 1 for place in (1, 2)))
    return [shape]


def _layer_norm(node: Node, inputs: Inputs) -> list[Shape]:
    shape = shape_of(inputs, 0)
    inner = shape[axis_of(integer(node, "axis", -1), len(shape)) :]
    need(all(shape_of(inputs, place) == inner for place in range(1, len(inputs))))
    return [shape]


def _broadcast(node: Node, inputs: Inputs) -> list[Shape]:
    return [tuple(np.broadcast_shapes(*(value.shape for value in inputs if value is not None)))]


def _gemm(node: Node, inputs: Inputs) -> list[Shape]:
    (rows, inner), (depth, columns) = (
        shape[::-1] if integer(node, name, 0) else shape
        for shape, name in ((shape_of(inputs, 0), "transA"), (shape_of(inputs, 1), "transB"))
    )
    need(inner == depth)
    if len(inputs) > 2:
        need(np.broadcast_shapes(shape_of(inputs, 2), (rows, columns)) == (rows, columns))
    return [(rows, columns)]


def _matmul(node: Node, inputs: Inputs) -> list[Shape]:
    first, second = shape_of(inputs, 0), shape_of(inputs, 1)
    left = first if len(first) > 1 else (1, *first)
    right = second if len(second) > 1 else (*second, 1)
    need(left[-1] == right[-2])
    shape = [*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1]]
    if len(first) == 1:
        del shape[-2]
    if len(second) == 1:
        del shape[-1]
    return [tuple(shape)]


def _reshape(node: Node, inputs: Inputs) -> list[Shape]:
    old, new = shape_of(inputs, 0), numbers_of(inputs, 1)
    if not integer(node, "allowzero", 0):
        new = [old[place] if size == 0 else size for place, size in enumerate(new)]
    need(new.count(-1) <= 1 and min(new, default=0) >= -1)
    rest = math.prod(size for size in new if size != -1)
    if -1 in new:
        need(rest > 0 and math.prod(old) % rest == 0)
        new[new.index(-1)] = math.prod(old) // rest
    need(math.prod(new) == math.prod(old))
    return [tuple(new)]


def _flatten(node: Node, inputs: Inputs) -> list[Shape]:
    shape = shape_of(inputs, 0)
    axis = integer(node, "axis", 1)
    need(-len(shape) <= axis <= len(shape))
    axis = axis + len(shape) if axis < 0 else axis
    return [(math.prod(shape[:axis]), math.prod(shape[axis:]))]


def _transpose(node: Node, inputs: Inputs) -> list[Shape]:
    shape = shape_of(inputs, 0)
    order = list(node.attributes.get("perm", range(len(shape))[::-1]))
    need(sorted(order) == list(range(len(shape))))
    return [tuple(shape[place] for place in order)]


def _axes(node: Node, inputs: Inputs, place: int) -> list[int] | None:
    """Return the axes from the input of newer operator sets or the attribute of older ones."""
    numbers = optional_numbers(inputs, place)
    return integers(node, "axes") if numbers is None and "axes" in node.attributes else numbers


def _squeeze(node: Node, inputs: Inputs) -> list[Shape]:
    shape, axes = shape_of(inputs, 0), _axes(node, inputs, 1)
    gone = (
        {axis_of(axis, len(shape)) for axis in axes} if axes else {i for i, n in enumerate(shape) if n == 1}
    )
    need(all(shape[place] == 1 for place in gone))
    return [tuple(size for place, size in enumerate(shape) if place not in gone)]


def _unsqueeze(node: Node, inputs: Inputs) -> list[Shape]:
    shape, axes = list(shape_of(inputs, 0)), _axes(node, inputs, 1)
    if axes is None or len(axes) > MAX_RANK:
        raise ValueError
    rank = len(shape) + len(axes)
    for axis in sorted(axis_of(axis, rank) for axis in axes):
        shape.insert(axis, 1)
    need(len(shape) == rank)
    return [tuple(shape)]


def _concat(node: Node, inputs: Inputs) -> list[Shape]:
    shapes = [shape_of(inputs, place) for place in range(len(inputs))]
    axis = axis_of(integer(node, "axis", 0), len(shapes[0]))
    need(len({(*shape[:axis], *shape[axis + 1 :], len(shape)) for shape in shapes}) == 1)
    return [(*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])]


def _split(node: Node, inputs: Inputs) -> list[Shape]:
    shape, sizes = shape_of(inputs, 0), optional_numbers(inputs, 1)
    axis, parts = axis_of(integer(node, "axis", 0), len(shape)), len(node.outputs)
    if sizes is None:
        each = -(-shape[axis] // parts)
        sizes = [each] * (parts - 1) + [shape[axis] - each * (parts - 1)]
    need(len(sizes) == parts and sum(sizes) == shape[axis] and min(sizes) >= 0)
    return [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]


def _slice(node: Node, inputs: Inputs) -> list[Shape]:
    shape = list(shape_of(inputs, 0))
    starts, ends = numbers_of(inputs, 1), numbers_of(inputs, 2)
    axes = optional_numbers(inputs, 3) or list(range(len(starts)))
    steps = optional_numbers(inputs, 4) or [1] * len(starts)
    need(len(starts) == len(ends) == len(axes) == len(steps))
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = axis_of(axis, len(shape))
        stop = None if step < 0 and end < -shape[place] else end
        shape[place] = len(range(*slice(start, stop, step).indices(shape[place])))
    return [tuple(shape)]


def _gather(node: Node, inputs: Inputs) -> list[Shape]:
    shape, indices = shape_of(inputs, 0), shape_of(inputs, 1)
    axis = axis_of(integer(node, "axis", 0), len(shape))
    return [(*shape[:axis], *indices, *shape[axis + 1 :])]


def _gather_elements(node: Node, inputs: Inputs) -> list[Shape]:
    shape, indices = shape_of(inputs, 0), shape_of(inputs, 1)
    axis = axis_of(integer(node, "axis", 0), len(shape))
    need(len(indices) == len(shape))
    need(all(size <= shape[place] for place, size in enumerate(indices) if place != axis))
    return [indices]


def _top_k(node: Node, inputs: Inputs) -> list[Shape]:
    shape, count = list(shape_of(inputs, 0)), numbers_of(inputs, 1)
    axis = axis_of(integer(node, "axis", -1), len(shape))
    need(len(count) == 1 and 0 <= count[0] <= shape[axis])
    shape[axis] = count[0]
    return [tuple(shape), tuple(shape)]


def _expand(node: Node, inputs: Inputs) -> list[Shape]:
    sizes = numbers_of(inputs, 1)
    need(min(sizes, default=1) >= 0)
    return [tuple(np.broadcast_shapes(shape_of(inputs, 0), tuple(sizes)))]


def _tile(node: Node, inputs: Inputs) -> list[Shape]:
    shape, repeats = shape_of(inputs, 0), numbers_of(inputs, 1)
    need(min(repeats, default=1) >= 0)
    return [tuple(size * times for size, times in zip(shape, repeats, strict=True))]


def _pad(node: Node, inputs: Inputs) -> list[Shape]:
    shape, pads = shape_of(inputs, 0), numbers_of(inputs, 1)
    need(len(pads) == 2 * len(shape) and min(pads) >= 0)
    need(len(inputs) < 4)
    return [tuple(size + pads[i] + pads[i + len(shape)] for i, size in enumerate(shape))]


def _shape(node: Node, inputs: Inputs) -> list[Shape]:
    shape = shape_of(inputs, 0)
    return [(len(shape[integer(node, "start", 0) : node.attributes.get("end", len(shape))]),)]


def _reduce(node: Node, inputs: Inputs) -> list[Shape]:
    shape, axes = shape_of(inputs, 0), _axes(node, inputs, 1)
    if not axes and integer(node, "noop_with_empty_axes", 0):
        return [shape]
    gone = {axis_of(axis, len(shape)) for axis in axes} if axes else set(range(len(shape)))
    if integer(node, "keepdims", 1):
        return [tuple(1 if place in gone else size for place, size in enumerate(shape))]
    return [tuple(size for place, size in enumerate(shape) if place not in gone)]


def _arg(node: Node, inputs: Inputs) -> list[Shape]:
    shape = shape_of(inputs, 0)
    gone = axis_of(integer(node, "axis", 0), len(shape))
    middle = (1,) if integer(node, "keepdims", 1) else ()
    return [(*shape[:gone], *middle, *shape[gone + 1 :])]


def _resize(node: Node, inputs: Inputs) -> list[Shape]:
    shape = shape_of(inputs, 0)
    need("axes" not in node.attributes)
    scales = inputs[2] if len(inputs) > 2 else None
    if scales is not None and scales.shape != (0,):
        if scales.numbers is None or scales.numbers.shape != (len(shape),):
            raise ValueError
        need(np.all((scales.numbers > 0) & (scales.numbers < 2**16)))
        return [tuple(int(size * scale) for size, scale in zip(shape, scales.numbers.tolist(), strict=True))]
    sizes = numbers_of(inputs, 3)
    need(len(sizes) == len(shape) and min(sizes) >= 1)
    return [tuple(sizes)]


def _depth_to_space(node: Node, inputs: Inputs) -> list[Shape]:
    count, channels, height, width = shape_of(inputs, 0)
    block = integer(node, "blocksize", 0)
    need(1 <= block < 2**10 and channels % (block * block) == 0)
    return [(count, channels // (block * block), height * block, width * block)]


def _one_hot(node: Node, inputs: Inputs) -> list[Shape]:
    indices, depth = list(shape_of(inputs, 0)), numbers_of(inputs, 1)
    need(len(depth) == 1 and 1 <= depth[0] < 2**20)
    axis = integer(node, "axis", -1)
    indices.insert(axis_of(axis, len(indices) + 1), depth[0])
    return [tuple(indices)]


def einsum_sizes(node: Node, inputs: Inputs, sizes: dict[str, int]) -> str:
    """Record the size of each letter of an equation in ``sizes`` and return the output's letters."""
    left, _, right = bytes(node.attributes["equation"]).decode().replace(" ", "").partition("->")
    terms = left.split(",")
    need(right and len(terms) == len(inputs))
    for place, term in enumerate(terms):
        need(term.isalpha())
        for letter, size in zip(term, shape_of(inputs, place), strict=True):
            need(sizes.setdefault(letter, size) == size)
    return right


def _einsum(node: Node, inputs: Inputs) -> list[Shape]:
    sizes: dict[str, int] = {}
    return [tuple(sizes[letter] for letter in einsum_sizes(node, inputs, sizes))]


_SAME = """Abs Cast Ceil Celu Clip Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log
LogSoftmax LpNormalization Mish Neg Not Reciprocal Relu Round Selu Sigmoid Sign Sin Softmax Softplus
Softsign Sqrt Swish Tanh ThresholdedRelu"""
_BROADCAST = """Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow
Sub Sum Where Xor"""
_REDUCE = "ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare"

RULES: dict[str, Rule] = {
    **dict.fromkeys(_SAME.split(), _same),
    **dict.fromkeys(_BROADCAST.split(), _broadcast),
    **dict.fromkeys(_REDUCE.split(), _reduce),
    "ArgMax": _arg,
    "AveragePool": pool,
    "BatchNormalization": _batch_norm,
    "Concat": _concat,
    "Constant": _same,  # its value is read, see serve.loading.shapes
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "DequantizeLinear": _quantise,
    "DepthToSpace": _depth_to_space,
    "Einsum": _einsum,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Gemm": _gemm,
    "GlobalAveragePool": global_pool,
    "GlobalMaxPool": global_pool,
    "GroupNormalization": _channel_norm,
    "InstanceNormalization": _channel_norm,
    "LayerNormalization": _layer_norm,
    "MatMul": _matmul,
    "MaxPool": pool,
    "OneHot": _one_hot,
    "Pad": _pad,
    "QuantizeLinear": _quantise,
    "RMSNormalization": _layer_norm,
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": _shape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "TopK": _top_k,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""The operators that a dropgan file may contain, with their shape rules."""
