"""Read protocol buffers strictly, by a table of fields, in bounded time and memory.

onnxruntime's own reader trusts a file; this one does not. It copies only short strings (long fields are views
of the file). It refuses fields that its table does not name, and a second value for a field that already has
one, so no other reader can find something in the file that this one ignored. Encoding:
protobuf.dev/programming-guides/encoding.
"""

import struct
from collections.abc import Iterator
from typing import Any

from ..errors import ModelError

INTEGER, FLOAT, DOUBLE, TEXT, BLOB = "integer", "float", "double", "text", "blob"
"""Kinds of field; a message's kind is its table. BLOB is left as a view of the file."""

Table = dict[int, tuple[str, Any, bool]]
"""Field number to name, kind and whether it repeats."""

MAX_DEPTH = 64
MAX_VALUES = 250_000
"""Fields and packed numbers of one file, a message counting eight: a generator has a few thousand."""
MAX_TEXT = 1 << 20

_MESSAGE_COST = 8
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_WIRE_TYPES = {INTEGER: _VARINT, FLOAT: _FIXED32, DOUBLE: _FIXED64}
_FORMATS = {FLOAT: "f", DOUBLE: "d"}


class Reader:
    """Reads the messages of one file and counts them against a common limit."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def message(self, data: memoryview, table: Table, depth: int = 0) -> dict[str, Any]:
        """Return one message as values by field name. A repeated field is a list, absent or not.

        Raises:
            ModelError: The bytes are cut short, invalid, nested too deeply, or over the limit.
        """
        if depth > MAX_DEPTH:
            raise ModelError(f"it nests more than {MAX_DEPTH} levels deep")
        self._count(_MESSAGE_COST)
        found: dict[str, Any] = {name: [] for name, _, repeats in table.values() if repeats}
        for number, wire_type, value in self._fields(data):
            if number not in table:
                raise ModelError(f"it has a field (number {number}) that this dropgan does not know")
            name, kind, repeats = table[number]
            if repeats and wire_type == _LENGTH and kind in (INTEGER, FLOAT, DOUBLE):
                found[name].extend(self.packed(value, kind))
                continue
            if wire_type != (_LENGTH if isinstance(kind, dict) else _WIRE_TYPES.get(kind, _LENGTH)):
                raise ModelError(f"its field {name} has the wrong type")
            content = self._content(value, name, kind, depth)
            if repeats:
                found[name].append(content)
            elif name in found:
                raise ModelError(f"its field {name} occurs twice")
            else:
                found[name] = content
        return found

    def _content(self, value: Any, name: str, kind: Any, depth: int) -> Any:
        if isinstance(kind, dict):
            return self.message(value, kind, depth + 1)
        if kind == TEXT:
            return _text(value, name)
        return struct.unpack(f"<{_FORMATS[kind]}", value)[0] if kind in _FORMATS else value

    def _fields(self, data: memoryview) -> Iterator[tuple[int, int, Any]]:
        place, end = 0, len(data)
        while place < end:
            self._count(1)
            tag, place = varint(data, place)
            number, wire_type = (tag & 0xFFFFFFFF) >> 3, tag & 7
            if wire_type == _VARINT:
                value, place = varint(data, place)
                yield number, wire_type, _signed(value)
                continue
            if wire_type == _LENGTH:
                size, place = varint(data, place)
            elif wire_type in (_FIXED32, _FIXED64):
                size = 4 if wire_type == _FIXED32 else 8
            else:
                raise ModelError("it is damaged: no protocol buffer has such a field")
            if size > end - place:
                raise ModelError("it is cut short")
            yield number, wire_type, data[place : place + size]
            place += size

    def packed(self, data: memoryview, kind: str) -> list[Any]:
        """Return the numbers of a packed field: INTEGER (varints, read as signed), FLOAT or DOUBLE.

        Raises:
            ModelError: The bytes are cut short or over the limit.
        """
        if kind in _FORMATS:
            size = struct.calcsize(_FORMATS[kind])
            if len(data) % size:
                raise ModelError("it is cut short")
            self._count(len(data) // size)
            return list(struct.unpack(f"<{len(data) // size}{_FORMATS[kind]}", data))
        values, place = [], 0
        while place < len(data):
            self._count(1)
            value, place = varint(data, place)
            values.append(_signed(value))
        return values

    def _count(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise ModelError(f"it has more than {MAX_VALUES:,} fields")


def varint(data: memoryview, place: int) -> tuple[int, int]:
    """Read the unsigned number at ``place``; return it and where the next field begins.

    Raises:
        ModelError: The bytes end within it, or it is longer than 64 bits.
    """
    value = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place
        shift += 7
    raise ModelError("it is cut short or damaged")


def encode_varint(value: int) -> bytes:
    """Encode a number from 0 to 2**64 - 1 as a varint."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _text(value: memoryview, name: str) -> str:
    if len(value) > MAX_TEXT:
        raise ModelError(f"its field {name} is {len(value):,} bytes long")
    try:
        return bytes(value).decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"its field {name} is not text") from error
