"""Damaged and hostile model files, made from good ones, each a function of a seed."""

import random

import onnx

from dropgan.serve.card import METADATA_KEY, Card
from dropgan.serve.loading import read_onnx, with_metadata


def without_digest(data: bytes) -> bytes:
    """The file with a card that certifies no digest, so that changes get past that check."""
    card = Card.from_json(read_onnx(data).metadata[METADATA_KEY])
    digest = card.export.parity.digest
    return with_metadata(data, METADATA_KEY, card.to_json().replace(digest, ""))


def mutate(data: bytes, seed: int) -> bytes:
    """One mutated file: bytes flipped, moved, cut or added, or a field of the graph changed."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        return _mutate_graph(data, chance)
    content = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 30])):
        _mutate_bytes(content, chance)
    return bytes(content)


def _mutate_bytes(content: bytearray, chance: random.Random) -> None:
    # most of a file are weights; the structure stands at both ends and between them
    places = [chance.randrange(len(content) + 1), chance.randrange(min(400, len(content) + 1))]
    places.append(len(content) - chance.randrange(min(6000, len(content) + 1)))
    place = chance.choice(places)
    kind = chance.randrange(6)
    if kind == 0:
        del content[place:]
    elif kind == 1:
        del content[place : place + chance.choice([1, 1, 4, 100, 5000])]
    elif kind == 2:
        content[place:place] = bytes(chance.randrange(256) for _ in range(chance.choice([1, 1, 3, 20])))
    elif kind == 3:
        start = chance.randrange(len(content) + 1)
        content[place:place] = content[start : start + chance.choice([2, 10, 200])]
    elif place < len(content):
        content[place] = chance.choice([content[place] ^ 1 << chance.randrange(8), 0, 0x7F, 0x80, 0xFF])


_NUMBERS = [-(2**63), -(2**31), -1, 0, 1, 2, 3, 7, 255, 2**16, 2**31 - 1, 2**31, 2**40, 2**63 - 1]
_OPERATORS = [
    "Loop",
    "If",
    "Expand",
    "Tile",
    "ConstantOfShape",
    "Concat",
    "Conv",
    "ConvTranspose",
    "MatMul",
    "Transpose",
    "Reshape",
    "Resize",
    "Gather",
    "GatherElements",
    "TopK",
    "Split",
    "Slice",
    "Pad",
    "Einsum",
    "QuantizeLinear",
    "DequantizeLinear",
    "Cast",
    "Gemm",
    "Softmax",
    "BatchNormalization",
    "LayerNormalization",
    "OneHot",
    "ReduceSum",
    "DepthToSpace",
    "Shape",
    "Squeeze",
    "Unsqueeze",
    "MaxPool",
    "Clip",
]  # what a changed node may become


def _mutate_graph(data: bytes, chance: random.Random) -> bytes:
    model = onnx.load_model_from_string(data)
    graph = model.graph
    for _ in range(chance.choice([1, 1, 2, 4])):
        kind = chance.randrange(9)
        node, tensor = chance.choice(graph.node), chance.choice(graph.initializer)
        if kind == 0 and tensor.dims:
            tensor.dims[chance.randrange(len(tensor.dims))] = chance.choice(_NUMBERS)
        elif kind == 1:
            tensor.data_type = chance.randrange(25)
        elif kind == 2:
            node.op_type = chance.choice(_OPERATORS)
        elif kind == 3 and node.input:
            names = (
                [t.name for t in graph.initializer] + [o for n in graph.node for o in n.output] + ["", "x"]
            )
            node.input[chance.randrange(len(node.input))] = chance.choice(names)
        elif kind == 4 and node.attribute:
            attribute = chance.choice(node.attribute)
            attribute.i = chance.choice(_NUMBERS)
            attribute.ints.extend(chance.choices(_NUMBERS, k=chance.randrange(5)))
        elif kind == 5:
            value = chance.choice([*graph.input, *graph.output]).type.tensor_type
            if chance.random() < 0.5:
                value.elem_type = chance.randrange(25)
            else:
                chance.choice(value.shape.dim).dim_value = chance.choice(_NUMBERS)
        elif kind == 6 and len(graph.node) > 1:
            if chance.random() < 0.5:
                graph.node.remove(node)
            else:
                graph.node.append(node)
        elif kind == 7:
            integers = [t for t in graph.initializer if t.data_type == onnx.TensorProto.INT64]
            if integers:
                chosen = chance.choice(integers)
                count = max(1, len(chosen.raw_data) // 8)
                numbers = chance.choices(_NUMBERS, k=count)
                chosen.raw_data = b"".join((n % 2**64).to_bytes(8, "little") for n in numbers)
        else:
            node.attribute.append(
                onnx.helper.make_attribute(
                    chance.choice(
                        ["axis", "axes", "perm", "pads", "strides", "group", "to", "alpha", "transA"]
                    ),
                    chance.choice([chance.choice(_NUMBERS), chance.choices(_NUMBERS, k=2), 1e38, "text"]),
                )
            )
    return bytes(model.SerializeToString())
