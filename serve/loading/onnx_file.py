"""Read the structure of an ONNX file without the onnx package and without running anything.

`read_onnx` reads any ONNX model, whether dropgan made it or not. `serve.loading.screen` decides whether the
runtime accepts it.
"""

import hashlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingModelError, ModelError
from ..included import included_model, included_names
from ..ordinary import open_ordinary
from .tables import MODEL
from .wire import INTEGER, Reader, encode_varint, varint

MAX_BYTES = 512 << 20
"""Largest file that is read: 128 million float32 weights, far more than images up to 128 pixels need."""

_MAX_TYPED = 100_000  # numbers of a typed field that are decoded one by one
_EXTERNAL = 1
_METADATA_FIELD = 14

NUMPY_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64",
}  # fmt: skip
"""ONNX's element types that numpy has, by number."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A constant of the file. Its numbers stay a view of the file until they are read."""

    name: str
    kind: int
    dims: tuple[int, ...]
    raw: memoryview | None
    typed: tuple[tuple[str, tuple[memoryview, ...]], ...]
    external: bool

    @property
    def size(self) -> int:
        """Number of elements that the dimensions declare."""
        return math.prod(self.dims)

    def array(self) -> NDArray[Any]:
        """Return the numbers as a read-only array.

        Raises:
            ModelError: They are outside the file, of an unknown type, or not as many as declared.
        """
        if self.external:
            raise ModelError(f"its weight {self.name} is stored outside the file")
        if self.kind not in NUMPY_TYPES or any(size < 0 for size in self.dims):
            raise ModelError(f"its weight {self.name} has an unknown type or shape")
        kind = np.dtype(NUMPY_TYPES[self.kind]).newbyteorder("<")
        values = _typed_values(self, kind) if self.raw is None else _raw_values(self.raw, kind, self.name)
        if values.size != self.size:
            raise ModelError(f"its weight {self.name} holds {values.size} numbers, its shape {self.size}")
        return values.reshape(self.dims)


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of the graph."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    """By name: int, float, bytes (as a view), tuple of these, Tensor, Graph, tuple of Graphs."""

    @property
    def subgraphs(self) -> Iterator["Graph"]:
        """Yield the graphs in the attributes, which If, Loop and Scan have."""
        for value in self.attributes.values():
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Graph):
                    yield part


@dataclass(frozen=True, slots=True)
class Value:
    """A declared input or output of the graph."""

    name: str
    kind: int | None
    shape: tuple[int | str, ...] | None
    """Sizes, with a name (perhaps empty) for an open one; None if none is declared."""


@dataclass(frozen=True, slots=True)
class Graph:
    nodes: tuple[Node, ...]
    tensors: tuple[Tensor, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    sparse: bool
    """True if it has sparse constants, which are not read."""


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """The structure of an ONNX model."""

    size: int
    """Bytes of the file."""
    ir_version: int
    opsets: dict[str, int]
    """Version of each operator domain; the standard one is the empty name."""
    graph: Graph
    functions: tuple[tuple[str, tuple[Node, ...]], ...]
    """Name and nodes of each model-local function."""
    metadata: dict[str, str]
    training: bool
    """True if it carries ONNX's own description of training."""
    doc: str

    def nodes(self) -> Iterator[tuple[Node, str]]:
        """Yield every node and its location: in the graph, in a subgraph, or in a function."""
        pending = [(self.graph.nodes, "the graph")]
        pending += [(nodes, f"function {name}") for name, nodes in self.functions]
        while pending:
            nodes, where = pending.pop()
            for node in nodes:
                yield node, where
                pending += [(graph.nodes, f"a subgraph of {node.op} {node.name}") for graph in node.subgraphs]

    def tensors(self) -> Iterator[Tensor]:
        """Yield every constant: initialisers of the graph and its subgraphs, and those in attributes."""
        yield from self.graph.tensors
        for node, _ in self.nodes():
            for value in node.attributes.values():
                for part in value if isinstance(value, tuple) else (value,):
                    if isinstance(part, Tensor):
                        yield part
                    elif isinstance(part, Graph):
                        yield from part.tensors


def read_file(path: Path) -> bytes:
    """Read the bytes of a model file of acceptable size.

    Args:
        path: Path of the file or, if no such file exists, the name of a model that comes with dropgan.

    Raises:
        ModelError: The file does not exist, is not a file, is too large, or cannot be read.
    """
    try:
        with open_ordinary(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise ModelError(f"{path} has {size:,} bytes; dropgan reads models of at most {MAX_BYTES:,}")
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        included = included_model(path)
        if included is not None:
            return included.read_bytes()
        names = ", ".join(included_names())
        beside = f"; by name there is {names}" if names else ""
        raise MissingModelError(f"there is no model file {path}{beside}") from error
    except IsADirectoryError as error:
        raise ModelError(f"{path} is a directory, not a model file: dropgan export makes one") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def read_onnx(data: bytes) -> OnnxFile:
    """Read the structure of an ONNX model.

    A generator takes milliseconds, and the worst file about a second. Memory grows with the number of nodes;
    the weights are not copied.

    Raises:
        ModelError: It is not an ONNX model, is damaged or too large, or has unknown parts. The message
            continues a sentence that names the file.
    """
    if not data:
        raise ModelError("it is empty")
    if len(data) > MAX_BYTES:
        raise ModelError(f"it has {len(data):,} bytes; dropgan reads models of at most {MAX_BYTES:,}")
    raw = Reader().message(memoryview(data), MODEL)
    if "graph" not in raw or not raw["graph"]["output"]:
        raise ModelError("it has no graph with an output")
    metadata = _unique(
        ((entry.get("key", ""), entry.get("value", "")) for entry in raw["metadata_props"]), "metadata key"
    )
    opsets = _unique(
        ((_domain(entry.get("domain", "")), entry.get("version", 0)) for entry in raw["opset_import"]),
        "operator domain",
    )
    functions = tuple(
        (entry.get("name", ""), tuple(_node(node) for node in entry["node"])) for entry in raw["functions"]
    )
    return OnnxFile(
        size=len(data),
        ir_version=raw.get("ir_version", 0),
        opsets=opsets,
        graph=_graph(raw["graph"]),
        functions=functions,
        metadata=metadata,
        training=bool(raw["training_info"]),
        doc=raw.get("doc_string", ""),
    )


def split_metadata(data: bytes, key: str) -> tuple[list[memoryview], str | None]:
    """Split a model file into the pieces around its metadata entry ``key``, and that entry's value.

    Raises:
        ModelError: The bytes are not a protocol buffer.
    """
    view, place, kept, found = memoryview(data), 0, 0, None
    pieces: list[memoryview] = []
    while place < len(view):
        start = place
        tag, place = varint(view, place)
        if tag & 7 != 2:
            _, place = varint(view, place)  # the model's only other fields are numbers
            continue
        size, place = varint(view, place)
        if size > len(view) - place:
            raise ModelError("it is cut short")
        if tag >> 3 == _METADATA_FIELD:
            entry = Reader().message(view[place : place + size], MODEL[_METADATA_FIELD][1])
            if entry.get("key") == key:
                pieces.append(view[kept:start])
                kept, found = place + size, entry.get("value", "")
        place += size
    pieces.append(view[kept:])
    return pieces, found


def with_metadata(data: bytes, key: str, value: str) -> bytes:
    """Return the model file with its metadata entry ``key`` set and every other byte unchanged."""
    pieces, _ = split_metadata(data, key)
    entry = _field(1, key.encode()) + _field(2, value.encode())
    return b"".join([*pieces, _field(_METADATA_FIELD, entry)])


def digest_without(data: bytes, key: str) -> str:
    """Return ``sha256:`` and the digest of the model file without its metadata entry ``key``."""
    digest = hashlib.sha256()
    for piece in split_metadata(data, key)[0]:
        digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def _field(number: int, content: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(content)) + content


def _unique(pairs: Iterator[tuple[str, Any]], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ModelError(f"its {what} {name[:40]!r} occurs twice")
        found[name] = value
    return found


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _graph(raw: dict[str, Any]) -> Graph:
    return Graph(
        nodes=tuple(_node(node) for node in raw["node"]),
        tensors=tuple(_tensor(tensor) for tensor in raw["initializer"]),
        inputs=tuple(_value(value) for value in raw["input"]),
        outputs=tuple(_value(value) for value in raw["output"]),
        sparse=bool(raw["sparse_initializer"]),
    )


def _node(raw: dict[str, Any]) -> Node:
    return Node(
        op=raw.get("op_type", ""),
        domain=_domain(raw.get("domain", "")),
        name=raw.get("name", ""),
        inputs=tuple(raw["input"]),
        outputs=tuple(raw["output"]),
        attributes=_unique(
            ((entry.get("name", ""), _attribute(entry)) for entry in raw["attribute"]), "attribute"
        ),
    )


def _attribute(raw: dict[str, Any]) -> Any:
    """Return the value of an attribute from the field that its type names or, in old files, from the one
    present.
    """
    fields = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints", 8: "strings"}
    if raw.get("g"):
        return _graph(raw["g"])
    if raw["graphs"]:
        return tuple(_graph(graph) for graph in raw["graphs"])
    if raw.get("t"):
        return _tensor(raw["t"])
    if raw["tensors"]:
        return tuple(_tensor(tensor) for tensor in raw["tensors"])
    kind = raw.get("type", 0)
    if kind in fields:
        empty: Any = {"f": 0.0, "i": 0, "s": memoryview(b"")}.get(fields[kind], [])
        value = raw.get(fields[kind], empty)
    else:
        value = next((raw[name] for name in fields.values() if raw.get(name)), 0)
    return tuple(value) if isinstance(value, list) else value


def _tensor(raw: dict[str, Any]) -> Tensor:
    names = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
    typed = tuple((name, tuple(raw[name])) for name in names if raw[name])
    return Tensor(
        name=raw.get("name", ""),
        kind=raw.get("data_type", 0),
        dims=tuple(raw["dims"]),
        raw=raw.get("raw_data"),
        typed=typed,
        external=raw.get("data_location") == _EXTERNAL or bool(raw["external_data"]),
    )


def _value(raw: dict[str, Any]) -> Value:
    about = raw.get("type", {})
    tensor = about.get("tensor_type")
    if tensor is None or set(about) - {"tensor_type", "denotation"}:
        return Value(raw.get("name", ""), None, None)
    shape = tensor.get("shape")
    dims = None if shape is None else tuple(d.get("dim_value", d.get("dim_param", "")) for d in shape["dim"])
    return Value(raw.get("name", ""), tensor.get("elem_type"), dims)


def _raw_values(raw: memoryview, kind: np.dtype[Any], name: str) -> NDArray[Any]:
    if len(raw) % kind.itemsize:
        raise ModelError(f"its weight {name} is cut short")
    return np.frombuffer(raw, dtype=kind)


def _typed_values(tensor: Tensor, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return the numbers of a typed field, for tensors without raw bytes."""
    if not tensor.typed:
        return np.empty(0, dtype=kind)
    (name, parts), *others = tensor.typed
    if others or len(parts) != 1 or name == "string_data":
        raise ModelError(f"its weight {tensor.name} is stored in an unusual way")
    if name in ("float_data", "double_data"):
        return _raw_values(parts[0], np.dtype("<f4" if name == "float_data" else "<f8"), tensor.name)
    if len(parts[0]) > _MAX_TYPED:
        raise ModelError(f"its weight {tensor.name} is stored in an unusual way")
    numbers = Reader().packed(parts[0], INTEGER)
    if kind == np.float16:  # by definition the bits, in int32_data
        return np.array(numbers, dtype=np.int64).astype(np.uint16).view(np.float16)
    return np.array(numbers, dtype=np.int64).astype(kind)
