"""uvicorn's HTTP protocol, for answers that are small and refusals that are many."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .answers import BUSY_ANSWER
from .gate import REFUSES
from .samples import LEFT

_HEADER_SECONDS = 30.0  # for the headers of a request to arrive; uvicorn has no such limit
_LARGE = 16 * 2**10  # bytes that are not worth a copy to be joined


class JoinedWrites:
    """A transport that writes together what is written in one turn of the event loop.

    uvicorn writes headers and body one after the other: two system calls and two packets an answer,
    which for a small picture are a good part of its cost.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write with what else comes in this turn."""
        if len(data) > _LARGE:
            self.flush()
            self._transport.write(data)
            return
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)

    def flush(self) -> None:
        """Write what has gathered."""
        parts, self._parts = self._parts, []
        if parts:
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Write what has gathered, and close behind it."""
        self.flush()
        self._transport.close()


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol over `JoinedWrites`, with two short ways for when a service has the least time.

    ASGI tells a task that waits for it when a client has gone; a task for each request that waits
    costs as much as an answer, so a scope has a function that can be asked (`LEFT`). And what would
    be refused for want of room is refused as soon as its headers are read, without a task.
    """

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._extensions = {LEFT: transport.is_closing}
        self._refusing = False

        self._reading = True
        self._late = self.loop.call_later(_HEADER_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection has ended."""
        self._late.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived; the time for headers runs from the first of them."""
        super().data_received(data)
        if self._reading and self._late.cancelled():
            self._late = self.loop.call_later(_HEADER_SECONDS, self.transport.abort)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._reading = True
        self.scope["extensions"] = self._extensions

    def on_headers_complete(self) -> None:
        """A request's headers are there."""
        self._reading = False
        self._late.cancel()
        refuses, parser = self.app_state.get(REFUSES), self.parser
        self._refusing = (
            refuses is not None
            and parser is not None
            and (self.cycle is None or self.cycle.response_complete)
            and parser.get_method() == b"GET"
            and not parser.should_upgrade()
            and parser.should_keep_alive()
            and refuses(self.scope, self.url)
        )
        if self._refusing:
            self.transport.write(BUSY_ANSWER)
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        if not self._refusing:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if self._refusing:
            self.on_response_complete()
        else:
            super().on_message_complete()
