"""Tensors of the Open Inference Protocol v2, as JSON or as raw bytes after the JSON.

Sources: https://github.com/kserve/open-inference-protocol and Triton's binary tensor data extension. The
header ``Inference-Header-Content-Length`` gives the length of the JSON. The raw bytes of the tensors follow,
little-endian and row-major, in the order in which the JSON names them.
"""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

DATATYPES = {"UINT8": "<u1", "INT32": "<i4", "INT64": "<i8", "UINT64": "<u8", "FP32": "<f4", "FP64": "<f8"}
NAMES = {np.dtype(code): name for name, code in DATATYPES.items()}
_MOST_AXES = 8


def read_request(body: bytes, header_length: str | None) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Parse an inference request.

    Args:
        body: The whole body.
        header_length: Value of ``Inference-Header-Content-Length``, if the request has one.

    Returns:
        The JSON object, and the inputs as arrays by name. BYTES become object arrays of ``bytes``.

    Raises:
        InputError: The request violates the protocol.
    """
    size = len(body)
    if header_length is not None:
        if not (header_length.isascii() and header_length.isdigit()) or int(header_length[:12]) > size:
            raise InputError("Inference-Header-Content-Length is not the length of JSON in this body")
        size = int(header_length)
    try:
        request = json.loads(body[:size])
    except (ValueError, RecursionError) as error:
        raise InputError("the request is not JSON") from error
    if not isinstance(request, dict) or not isinstance(request.get("inputs"), list):
        raise InputError("an inference request is a JSON object with a list of inputs")
    place, inputs = size, dict[str, NDArray[Any]]()
    for tensor in request["inputs"]:
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise InputError("each input is an object with a name, shape and datatype")
        name = tensor["name"][:80]
        if name in inputs:
            raise InputError(f"input {name!r} occurs twice")
        parameters = tensor.get("parameters", {})
        raw = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        shape, kind = _shape(tensor, name), tensor.get("datatype")
        if raw is None:
            inputs[name] = _from_json(tensor.get("data"), shape, kind, name)
            continue
        if type(raw) is not int or raw < 0 or place + raw > len(body):
            raise InputError(f"input {name!r}: the body does not hold its binary_data_size")
        inputs[name] = _from_bytes(body[place : place + raw], shape, kind, name)
        place += raw
    if place != len(body):
        raise InputError(f"the body has {len(body) - place} bytes that belong to no input")
    return request, inputs


def _shape(tensor: dict[str, Any], name: str) -> tuple[int, ...]:
    shape = tensor.get("shape")
    if (
        not isinstance(shape, list)
        or len(shape) > _MOST_AXES
        or not all(type(size) is int and 0 <= size < 2**31 for size in shape)
    ):
        raise InputError(f"input {name!r}: the shape is a list of whole numbers")
    return tuple(shape)


def _from_bytes(data: bytes, shape: tuple[int, ...], kind: Any, name: str) -> NDArray[Any]:
    if kind == "BYTES":
        texts, place = [], 0
        while place + 4 <= len(data):
            size = int.from_bytes(data[place : place + 4], "little")
            texts.append(data[place + 4 : place + 4 + size])
            place += 4 + size
        if place != len(data) or len(texts) != math.prod(shape):
            raise InputError(f"input {name!r}: its bytes are not {math.prod(shape)} texts with their lengths")
        return _objects(texts, shape)
    dtype = _dtype(kind, name)
    if math.prod(shape) * dtype.itemsize != len(data):
        raise InputError(f"input {name!r}: {len(data)} bytes are not {kind} of shape {list(shape)}")
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _from_json(data: Any, shape: tuple[int, ...], kind: Any, name: str) -> NDArray[Any]:
    values: list[Any] = []
    waiting = [data]
    while waiting:  # nested or flat, as the protocol allows; no recursion into what a stranger nested
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed(value))
        else:
            values.append(value)
    if data is None or len(values) != math.prod(shape):
        raise InputError(f"input {name!r}: its data are not {math.prod(shape)} values")
    if kind == "BYTES":
        if not all(isinstance(value, str) for value in values):
            raise InputError(f"input {name!r}: BYTES are texts in JSON")
        try:
            return _objects([value.encode() for value in values], shape)
        except UnicodeEncodeError as error:
            raise InputError(f"input {name!r} is not UTF-8") from error
    dtype = _dtype(kind, name)
    plain = (int,) if dtype.kind in "iu" else (int, float)
    if not all(type(value) in plain for value in values):
        raise InputError(f"input {name!r}: its data are not {kind}")
    try:
        return np.array(values, dtype=dtype).reshape(shape)
    except OverflowError as error:
        raise InputError(f"input {name!r} has a number that {kind} cannot hold") from error


def _dtype(kind: Any, name: str) -> np.dtype[Any]:
    if not isinstance(kind, str) or kind not in DATATYPES:
        raise InputError(f"input {name!r}: datatype is one of {', '.join(DATATYPES)}, BYTES")
    return np.dtype(DATATYPES[kind])


def _objects(texts: list[bytes], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array.reshape(shape)


def write_response(
    response: dict[str, Any], output: str, array: NDArray[Any], *, binary: bool
) -> tuple[bytes, dict[str, str]]:
    """Return the body of a response and its headers.

    Args:
        response: Fields of the JSON other than the outputs.
        output: Name of the output.
        array: Values of the output.
        binary: Send the values as raw bytes after the JSON instead of inside it.
    """
    array = np.ascontiguousarray(array)
    tensor: dict[str, Any] = {
        "name": output,
        "datatype": NAMES[array.dtype.newbyteorder("<")],
        "shape": list(array.shape),
    }
    if not binary:
        tensor["data"] = array.ravel().tolist()
        return json.dumps(response | {"outputs": [tensor]}).encode(), {"content-type": "application/json"}
    data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    tensor["parameters"] = {"binary_data_size": len(data)}
    head = json.dumps(response | {"outputs": [tensor]}).encode()
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
    }
    return head + data, headers
