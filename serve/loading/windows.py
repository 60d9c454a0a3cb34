"""Shape rules of operators that slide a window over an image: convolutions and pooling. See `rules`."""

from .onnx_file import Node
from .values import Inputs, Shape, integer, integers, need, shape_of


def _window(node: Node, space: Shape, kernel: Shape) -> tuple[list[int], list[int], list[int]]:
    """Return strides, dilations and the total padding of each axis, checked."""
    rank = len(space)
    strides = list(node.attributes.get("strides", [1] * rank))
    dilations = list(node.attributes.get("dilations", [1] * rank))
    pads = list(node.attributes.get("pads", [0] * 2 * rank))
    need(node.attributes.get("auto_pad", b"NOTSET") in (b"", b"NOTSET"))
    need(rank == len(kernel) == len(strides) == len(dilations) == len(pads) // 2)
    need(min([*strides, *dilations, *kernel]) >= 1)
    need(max([*strides, *dilations, *kernel, *pads]) < 2**16)
    need(min(pads) >= 0)
    return strides, dilations, [pads[i] + pads[i + rank] for i in range(rank)]


def _slide(node: Node, space: Shape, kernel: Shape) -> Shape:
    strides, dilations, pads = _window(node, space, kernel)
    need(not integer(node, "ceil_mode", 0))
    sizes = tuple(
        (size + pad - dilation * (width - 1) - 1) // stride + 1
        for size, pad, dilation, width, stride in zip(space, pads, dilations, kernel, strides, strict=True)
    )
    need(min(sizes) >= 1)
    return sizes


def conv(node: Node, inputs: Inputs) -> list[Shape]:
    """Shape rule of Conv, with or without groups."""
    (count, channels, *space), (filters, depth, *kernel) = shape_of(inputs, 0), shape_of(inputs, 1)
    group = integer(node, "group", 1)
    need(group >= 1 and channels == depth * group and filters % group == 0)
    need(list(node.attributes.get("kernel_shape", kernel)) == kernel)
    if len(inputs) > 2:
        need(shape_of(inputs, 2) == (filters,))
    return [(count, filters, *_slide(node, tuple(space), tuple(kernel)))]


def conv_transpose(node: Node, inputs: Inputs) -> list[Shape]:
    """Shape rule of ConvTranspose with its own padding, without ``output_shape``."""
    (count, channels, *space), (depth, filters, *kernel) = shape_of(inputs, 0), shape_of(inputs, 1)
    group = integer(node, "group", 1)
    need(group >= 1 and channels == depth and depth % group == 0)
    need(
        list(node.attributes.get("kernel_shape", kernel)) == kernel and "output_shape" not in node.attributes
    )
    if len(inputs) > 2:
        need(shape_of(inputs, 2) == (filters * group,))
    strides, dilations, pads = _window(node, tuple(space), tuple(kernel))
    extra = list(node.attributes.get("output_padding", [0] * len(space)))
    need(
        all(
            0 <= more < max(stride, dilation)
            for more, stride, dilation in zip(extra, strides, dilations, strict=True)
        )
    )
    sizes = tuple(
        stride * (size - 1) + more + dilation * (width - 1) + 1 - pad
        for size, stride, more, dilation, width, pad in zip(
            space, strides, extra, dilations, kernel, pads, strict=True
        )
    )
    need(min(sizes) >= 1)
    return [(count, filters * group, *sizes)]


def pool(node: Node, inputs: Inputs) -> list[Shape]:
    """Shape rule of AveragePool and MaxPool, without the indices."""
    need(len(node.outputs) == 1)
    shape = shape_of(inputs, 0)
    return [(*shape[:2], *_slide(node, shape[2:], tuple(integers(node, "kernel_shape"))))]


def global_pool(node: Node, inputs: Inputs) -> list[Shape]:
    """Shape rule of GlobalAveragePool and GlobalMaxPool."""
    shape = shape_of(inputs, 0)
    return [(*shape[:2], *(1 for _ in shape[2:]))]
