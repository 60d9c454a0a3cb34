"""A faster uvicorn HTTP protocol for small responses and many refusals."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .answers import Headers, error_body, failure
from .gate import BEGINS, Brief, errors
from .samples import LEFT

_HEADER_SECONDS = 30.0  # for the headers of a request to arrive; uvicorn has no such limit
_BODY = (b"content-length", b"transfer-encoding", b"expect")  # of a GET, which need not have one
_LARGE = 16 * 2**10  # bytes that are not worth a copy to be joined


class JoinedWrites:
    """A transport that combines all writes of one turn of the event loop.

    uvicorn writes headers and body separately: two system calls and two packets per response, which for a
    small picture is a good part of its cost.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Queue data for the write of this turn."""
        if len(data) > _LARGE:
            self.flush()
            self._transport.write(data)
            return
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)

    def flush(self) -> None:
        """Write the queued data."""
        parts, self._parts = self._parts, []
        if parts:
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Write the queued data and close the transport."""
        self.flush()
        self._transport.close()


class _BriefCycle:
    """A request and its response without a task. It replaces uvicorn's cycle and has the members that uvicorn
    uses.

    uvicorn's own code therefore queues the requests behind it, notices when its client disconnects, and waits
    for it before a process ends.
    """

    def __init__(self, protocol: "Protocol", brief: Brief) -> None:
        self.response_complete = self.disconnected = False
        self.keep_alive = self.more_body = True
        self.message_event = _NOBODY
        self._protocol, self._brief = protocol, brief
        brief.begun.made.add_done_callback(self._answer)

    def _answer(self, made: "asyncio.Future[bytes]") -> None:
        protocol = self._protocol
        error = made.exception()
        if error is None:
            status, headers, body = 200, self._brief.begun.headers, made.result()
        else:
            status, headers = failure(error)
            body = error_body(error)
            if status == 500:
                errors.error("a request failed", exc_info=error)
        if not protocol.transport.is_closing():
            protocol.transport.write(self._head(status, headers, len(body)) + body)
        self._brief.ended(status, len(body))
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()

    def _head(self, status: int, headers: Headers, length: int) -> bytes:
        lines = [
            b"%b: %b\r\n" % header for header in (*self._protocol.server_state.default_headers, *headers)
        ]
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        return b"%b%bcontent-length: %d\r\n\r\n" % (STATUS_LINE[status], b"".join(lines), length)


class _Nobody:
    """The message event of a cycle without a task, on which nothing waits."""

    def set(self) -> None:
        """Do nothing."""


_NOBODY = _Nobody()


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol over `JoinedWrites`, with two shortcuts for high load.

    In ASGI, only a waiting task learns that a client disconnected, and a task per waiting request costs as
    much as a response. The scope therefore has a function (`LEFT`) that tells it on request. A request for
    one sample by address, which is nearly all traffic, is started or refused as soon as its headers are read,
    without a task (`Gate.begin`).
    """

    def connection_made(self, transport: Any) -> None:
        """Handle a new connection."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._is_closing = transport.is_closing
        self._extensions = {LEFT: self._is_closing}
        self._refused = False

        self._reading = True
        self._late = self.loop.call_later(_HEADER_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of a connection."""
        self._late.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Handle received bytes. The time limit for headers starts with the first of them."""
        super().data_received(data)
        if self._reading and self._late.cancelled():
            self._late = self.loop.call_later(_HEADER_SECONDS, self.transport.abort)

    def on_message_begin(self) -> None:
        """Handle the start of a request."""
        super().on_message_begin()
        self._reading = True
        self.scope["extensions"] = self._extensions

    def on_headers_complete(self) -> None:
        """Handle the end of a request's headers."""
        self._reading = False
        self._late.cancel()
        begun = self._begin()
        self._refused = isinstance(begun, bytes)
        if isinstance(begun, bytes):
            self.transport.write(begun)
        elif begun is not None:
            self.cycle = _BriefCycle(self, begun)  # type: ignore[assignment]
        else:
            super().on_headers_complete()

    def _begin(self) -> Brief | bytes | None:
        begin, parser = self.app_state.get(BEGINS), self.parser
        if (
            begin is None
            or parser is None
            or not (self.cycle is None or self.cycle.response_complete)
            or parser.get_method() != b"GET"
            or parser.should_upgrade()
            or not parser.should_keep_alive()
            or self.flow.write_paused
            or any(name in _BODY for name, _ in self.headers)
        ):
            return None
        begun: Brief | bytes | None = begin(self.scope, self.url, self._is_closing)
        return begun

    def on_body(self, body: bytes) -> None:
        """Handle a piece of a body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Handle the end of a request."""
        if self._refused:
            self.on_response_complete()
        else:
            super().on_message_complete()
