"""Decide from a file's bytes whether the runtime accepts it, before onnxruntime sees it.

onnxruntime's reader and its constant folding trust a file. A few hundred bytes can make it use all memory,
read other files, or load an operator library's kernels. A dropgan file needs nothing that makes this
possible, so everything else is refused: subgraphs, functions, other operator domains, operators without a
shape rule, constants outside the file, and values too large for a generator of images up
to 128 pixels.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ..card import METADATA_KEY, Card
from ..errors import ModelError
from ..kinds import kind_of, output_of
from ..labels import LABEL_STREAM_NAME
from ..latents import STREAM_NAME
from .onnx_file import NUMPY_TYPES, Node, OnnxFile, Value, digest_without, read_file, read_onnx
from .rules import RULES
from .shapes import trace, with_batch
from .values import MAX_RANK

IR_VERSIONS = range(3, 14)
OPSETS = range(13, 29)
MAX_NODES = 5000

_FLOAT32, _INT64 = 1, 7


@dataclass(frozen=True)
class Screened:
    """A file that the runtime accepts.

    Attributes:
        card: The file's card, which matches the graph.
        file: The file's structure.
        input: Name of the latents' input.
        labels: Name of the labels' input; empty for a model without classes.
        output: Name of the output.
        output_shape: Shape of one sample as the file returns it.
        dtype: Type of the output, ``uint8`` or ``float32``.
    """

    card: Card
    file: OnnxFile
    input: str
    labels: str
    output: str
    output_shape: tuple[int, ...]
    dtype: str


def screen(model: str | os.PathLike[str] | bytes) -> tuple[bytes, Screened]:
    """Read a model file and check everything that the runtime relies on.

    Args:
        model: Path of the file, or its bytes.

    Returns:
        The file's bytes and its checked contents.

    Raises:
        MissingModelError: The file does not exist; this is a ModelError and a FileNotFoundError.
        ModelError: It is damaged, not ONNX, not made by dropgan, changed since its export, or contains
            something that no generator needs.
    """
    name = "the model" if isinstance(model, bytes) else str(Path(model))
    data = model if isinstance(model, bytes) else read_file(Path(model))
    try:
        return data, screen_bytes(data)
    except ModelError as error:
        raise type(error)(f"{name} cannot be loaded: {error}") from error


def screen_bytes(data: bytes) -> Screened:
    """Check the bytes of a model file, as `screen` does.

    Raises:
        ModelError: As for `screen`; the message continues a sentence that names the file.
    """
    file = _read(data)
    if METADATA_KEY not in file.metadata:
        raise ModelError("it has no dropgan card: it was not made by dropgan export")
    card = Card.from_json(file.metadata[METADATA_KEY])
    digest = card.export.parity.digest
    if digest and digest != digest_without(data, METADATA_KEY):
        raise ModelError("it has changed since its export (its digest is not its card's): export it again")
    require_plain(file)
    return _match(file, card)


def require_plain(file: OnnxFile) -> None:
    """Require that a file contains only what a generator needs.

    Raises:
        ModelError: It contains something else.
    """
    if file.ir_version not in IR_VERSIONS:
        raise ModelError(f"its IR version is {file.ir_version}, this dropgan reads 3 to {IR_VERSIONS[-1]}")
    if set(file.opsets) != {""}:
        other = ", ".join(sorted(set(file.opsets) - {""}))[:80]
        named = f"it uses operators of another domain ({other})"
        raise ModelError(named if other else "it names no operator set")
    if file.opsets[""] not in OPSETS:
        raise ModelError(f"its operator set is {file.opsets['']}, this dropgan reads 13 to {OPSETS[-1]}")
    graph = file.graph
    if file.functions or file.training or graph.sparse:
        raise ModelError("it has functions, training information or sparse weights, which no generator needs")
    if len(graph.nodes) > MAX_NODES:
        raise ModelError(f"it has {len(graph.nodes):,} nodes, more than {MAX_NODES:,}")
    for node in graph.nodes:
        _require_known(node)
    for tensor in file.tensors():
        tensor.array()  # refuses what lies outside the file or is cut short; a repeated name fails below
    for value in (*graph.inputs, *graph.outputs):
        _require_declared(value)
    values = trace(graph, file.size)
    for value in graph.outputs:
        if value.name not in values or values[value.name].shape != with_batch(value):
            raise ModelError(f"its output {value.name[:80]} does not have the shape that it declares")


def _read(data: bytes) -> OnnxFile:
    try:
        return read_onnx(data)
    except ModelError as error:
        raise ModelError(f"not a readable ONNX file: {error}") from error


def _require_known(node: Node) -> None:
    if node.domain or node.op not in RULES:
        title = f"{node.domain}.{node.op}" if node.domain else node.op
        raise ModelError(f"it holds the operator {title[:80]}, which no generator of dropgan's needs")
    if any(True for _ in node.subgraphs):
        raise ModelError(f"its node {node.op} {node.name[:80]} holds a graph of its own")


def _require_declared(value: Value) -> None:
    shape = value.shape
    if value.kind not in NUMPY_TYPES or shape is None or not 1 <= len(shape) <= MAX_RANK:
        raise ModelError(f"its input or output {value.name[:80]} has no type or shape")
    if isinstance(shape[0], int) or any(not isinstance(size, int) or size < 1 for size in shape[1:]):
        raise ModelError(f"its input or output {value.name[:80]} must have an open batch and fixed sizes")


def _match(file: OnnxFile, card: Card) -> Screened:
    """Compare the card with the graph's inputs and outputs."""
    if card.latents.stream != STREAM_NAME:
        raise ModelError(
            f"it uses the latent stream {card.latents.stream[:80]!r}, this dropgan knows {STREAM_NAME}:"
            " upgrade dropgan"
        )
    graph = file.graph
    labels = _match_labels(file, card)
    if len(graph.outputs) != 1:
        raise ModelError("it must have one output")
    latents, samples = graph.inputs[0], graph.outputs[0]
    if latents.kind != _FLOAT32 or latents.shape is None or latents.shape[1:] != (card.latents.dim,):
        raise ModelError("its input does not match its card's latents")
    output, expected = output_of(card), kind_of(card).output_shape(card)
    if (
        NUMPY_TYPES.get(samples.kind or 0) != output.dtype
        or samples.shape is None
        or samples.shape[1:] != expected
    ):
        raise ModelError("its output does not match its card's data")
    return Screened(card, file, latents.name, labels, samples.name, expected, output.dtype)


def _match_labels(file: OnnxFile, card: Card) -> str:
    """Return the name of the second input of a class-conditional model; empty without classes."""
    inputs = file.graph.inputs
    if not card.labels.classes:
        if len(inputs) != 1:
            raise ModelError("it must have one input, because its card has no classes")
        return ""
    if card.labels.stream != LABEL_STREAM_NAME:
        raise ModelError(
            f"it uses the label stream {card.labels.stream[:80]!r}, this dropgan knows {LABEL_STREAM_NAME}:"
            " upgrade dropgan"
        )
    if len(inputs) != 2:
        raise ModelError("it must have two inputs, latents and labels, because its card has classes")
    if inputs[1].kind != _INT64 or len(inputs[1].shape or ()) != 1:
        raise ModelError("its second input does not match its card's labels")
    if inputs[0].shape and inputs[1].shape and inputs[0].shape[0] != inputs[1].shape[0]:
        raise ModelError("its latents and labels have different batch sizes")
    return inputs[1].name
