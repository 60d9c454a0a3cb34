"""ASGI responses, and the HTTP status of each error."""

import json
from typing import Any

from ..errors import DropganError, InputError, MissingExtraError
from .addresses import NotFound
from .batching import BusyError, LeftError, TooSlowError

Headers = list[tuple[bytes, bytes]]

FOREVER = (b"cache-control", b"public, max-age=31536000, immutable")


class TooLargeError(InputError):
    """The request asks for more than the limits allow."""


_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, 404),
    (TooLargeError, 413),
    (InputError, 422),
    (LeftError, 499),
    (BusyError, 503),
    (TooSlowError, 504),
    (MissingExtraError, 501),
)


def status_of(error: BaseException) -> int:
    """Return the HTTP status of an error; 500 for one that dropgan does not raise on purpose."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def error_body(error: BaseException) -> bytes:
    """Return ``{"error": ...}`` with the message of an error raised on purpose, or a generic one for any
    other.
    """
    text = str(error) if isinstance(error, DropganError) and status_of(error) != 500 else "internal error"
    return json.dumps({"error": text}, ensure_ascii=False).encode()


async def send_bytes(send: Any, status: int, body: bytes, headers: Headers, *, head: bool = False) -> None:
    """Send a complete response, without its body for a HEAD request."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": b"" if head else body})


def lines(headers: Headers) -> bytes:
    """Return headers as they are sent."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


_REFUSED: Headers = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"retry-after", b"1"),
]
BUSY_BODY = error_body(BusyError("too much is waiting: try again in a second"))
BUSY_ANSWER = b"".join(
    (
        b"HTTP/1.1 503 Service Unavailable\r\n",
        lines(_REFUSED),
        b"content-length: %d\r\n\r\n" % len(BUSY_BODY),
        BUSY_BODY,
    )
)
"""A complete refusal as bytes, for high load."""


def failure(error: BaseException) -> tuple[int, Headers]:
    """Return the status of an error and the headers of its response."""
    status = status_of(error)
    return status, _REFUSED if status == 503 else _REFUSED[:2]


async def send_error(send: Any, error: Exception, *, head: bool = False) -> int:
    """Send the response to an error and return its status."""
    status, headers = failure(error)
    await send_bytes(send, status, error_body(error), headers, head=head)
    return status
