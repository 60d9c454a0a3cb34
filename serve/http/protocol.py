"""A faster uvicorn HTTP protocol for small responses and many refusals."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .answers import error_body, failure, lines
from .gate import BEGINS, Brief, errors
from .samples import LEFT, OTHERWISE

_SECONDS = 30.0  # for the headers of a request to arrive, of which uvicorn has no limit, and between requests
_LONG_WAY = OTHERWISE | {b"content-length", b"transfer-encoding", b"expect"}  # a GET need not have a body
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

    def write_whole(self, data: bytes) -> None:
        """Write a complete response without waiting for the end of the turn."""
        self.flush()
        self._transport.write(data)

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

    def __init__(self, protocol: "Protocol") -> None:
        self.response_complete = self.disconnected = False
        self.keep_alive = self.more_body = True
        self.message_event = _NOBODY
        self._protocol = protocol
        self.brief: Brief

    def answer(self, made: bytes | Exception) -> None:
        """Send the sample or the error."""
        protocol, brief = self._protocol, self.brief
        if isinstance(made, bytes):
            status, head, body = 200, brief.head, made
        else:
            status, headers = failure(made)
            head, body = lines(headers), error_body(made)
            if status == 500:
                errors.error("a request failed", exc_info=made)
        if not protocol.transport.is_closing():
            last = b"" if self.keep_alive else b"connection: close\r\n"
            start = STATUS_LINE[status] + lines(protocol.server_state.default_headers)
            protocol.write_whole(b"%b%b%bcontent-length: %d\r\n\r\n%b" % (start, head, last, len(body), body))
        brief.ended(status, len(body))
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.brief_complete()


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
        joined = JoinedWrites(transport, self.loop)
        super().connection_made(joined)  # type: ignore[arg-type]
        self.write_whole, self._is_closing = joined.write_whole, transport.is_closing
        self._extensions = {LEFT: self._is_closing}
        self._refused, self._reading, self._since = False, True, self.loop.time()
        self._watch = self.loop.call_later(_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of a connection."""
        self._watch.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close a connection that was silent for too long. One timer serves all its requests."""
        rest = self._since + _SECONDS - self.loop.time()
        if self.cycle is not None and not self.cycle.response_complete:
            rest = _SECONDS
        if rest > 0:
            self._watch = self.loop.call_later(rest, self._look)
        elif self._reading:
            self.transport.abort()
        else:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Handle the start of a request. Its scope is made only for the normal path."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._long_way, self._reading, self._since = False, True, self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Handle one header."""
        super().on_header(name, value)
        if self.headers[-1][0] in _LONG_WAY:
            self._long_way = True

    def on_headers_complete(self) -> None:
        """Handle the end of a request's headers."""
        self._reading = False
        begun = None if self._long_way else self._begin()
        self._refused = isinstance(begun, bytes)
        if isinstance(begun, bytes):
            self.write_whole(begun)
        elif begun is None:
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.expect_100_continue = url, expects
            self.headers += headers  # the scope has this list
            self.scope["extensions"] = self._extensions
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
        ):
            return None
        cycle = _BriefCycle(self)
        begun: Brief | bytes | None = begin(
            self.headers, self.client, self.url, self._is_closing, cycle.answer
        )
        if isinstance(begun, Brief):
            cycle.brief = begun
            self.cycle = cycle  # type: ignore[assignment]
        return begun

    def on_message_complete(self) -> None:
        """Handle the end of a request."""
        if self._refused:
            self.brief_complete()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Handle the end of a response."""
        self._since = self.loop.time()
        super().on_response_complete()

    def brief_complete(self) -> None:
        """Handle the end of a response without a task."""
        if self.pipeline:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self._since = self.loop.time()
