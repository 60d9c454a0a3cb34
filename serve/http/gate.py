"""The checks of every request: the bearer key, limits of the body, the log, and the counters."""

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ..errors import DropganError
from .answers import BUSY_ANSWER, BUSY_BODY, Headers, send_bytes, send_error
from .batching import Answer, BusyError, Left
from .limits import Limits
from .metrics import Metrics

BEGINS = "dropgan.begins"
"""In the state of the application's life: `Gate.begin`, for a protocol that asks it."""
_OPEN = frozenset({"/healthz", "/readyz"})
_NO_KEY = b'{"error":"give the key: Authorization: Bearer KEY"}'
_CHALLENGE: Headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"application/json")]
log = logging.getLogger("dropgan.access")
errors = logging.getLogger("dropgan.serve")


Begin = Callable[[bytes, bytes, Left, Answer], bytes | None]
"""`SampleRoutes.begin`."""


class Brief(NamedTuple):
    """A response in progress."""

    head: bytes
    """Header lines of the response if it succeeds."""
    ended: Callable[[int, int], None]
    """Called with status and size after the response was sent."""


class _Seen(NamedTuple):
    """The facts of a request that are counted and logged."""

    route: str
    method: str
    path: bytes
    query: bytes
    client: tuple[str, int] | None
    began: float


class Gate:
    """An ASGI application that wraps another one."""

    def __init__(
        self,
        inner: Any,
        *,
        limits: Limits,
        metrics: Metrics,
        begin: Begin,
        key: str | None = None,
    ) -> None:
        """Wrap ``inner``.

        Args:
            inner: The application.
            limits: Limits of a request.
            metrics: Counts the requests.
            begin: Starts to answer a GET, see `SampleRoutes.begin`.
            key: Bearer key that every route except health requires; None requires none.
        """
        self._inner, self._limits, self._metrics, self._begin = inner, limits, metrics, begin
        self._key = None if key is None else key.encode()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        began = time.perf_counter()
        status, sent = 0, 0

        async def counted(message: dict[str, Any]) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        scope["dropgan.route"] = "other"
        try:
            if self._key is not None and scope["path"] not in _OPEN and not self._allowed(scope["headers"]):
                await send_bytes(counted, 401, _NO_KEY, _CHALLENGE)
            else:
                await self._inner(scope, self._bounded(scope, receive), counted)
        except DropganError as error:
            if not status:
                await send_error(counted, error, head=scope["method"] == "HEAD")
        except Exception as error:  # noqa: BLE001 - one request's bug must not end the process
            errors.exception("a request failed")
            if not status:
                await send_error(counted, error, head=scope["method"] == "HEAD")
        finally:
            seen = _Seen(
                scope["dropgan.route"],
                scope["method"],
                scope["raw_path"],
                scope["query_string"],
                scope.get("client"),
                began,
            )
            self._count(seen, status or 499, sent)

    def begin(
        self, headers: Headers, client: tuple[str, int] | None, url: bytes, left: Left, answer: Answer
    ) -> "Brief | bytes | None":
        """Start to answer a GET without an asyncio task, if possible.

        Args:
            headers: Headers of the request, none of them in `samples.OTHERWISE`.
            client: Address of the client.
            url: Target of the request.
            left: Returns True once the client has disconnected.
            answer: Called with the body or the error.

        Returns:
            The response in progress; the bytes of a complete refusal if the queue is full; or None if the
            request needs the normal path.
        """
        if self._key is not None and not self._allowed(headers):
            return None
        began = time.perf_counter()
        path, _, query = url.partition(b"?")
        seen = _Seen("sample", "GET", path, query, client, began)
        try:
            head = self._begin(path, query, left, answer)
        except BusyError:
            self._count(seen, 503, len(BUSY_BODY))
            return BUSY_ANSWER
        return None if head is None else Brief(head, partial(self._count, seen))

    def _count(self, seen: _Seen, status: int, sent: int) -> None:
        """Count and log one response."""
        seconds = time.perf_counter() - seen.began
        self._metrics.observe(seen.route, seen.method, status, seconds)
        if log.isEnabledFor(logging.INFO):
            log.info(_line(seen, status, sent, seconds))

    def _allowed(self, headers: Headers) -> bool:
        given = next((value for name, value in headers if name == b"authorization"), b"")
        kind, _, key = given.partition(b" ")
        assert self._key is not None
        # compared even where the kind is wrong, so that neither shows in the time
        return hmac.compare_digest(key.strip(), self._key) and kind.lower() == b"bearer"

    def _bounded(self, scope: dict[str, Any], receive: Any) -> Any:
        if scope["method"] in ("GET", "HEAD"):
            return receive
        return _BoundedBody(receive, self._limits)


class _BoundedBody:
    """A request's body, which ends the request if it is too large or arrives too slowly."""

    def __init__(self, receive: Any, limits: Limits) -> None:
        self._receive, self._limits = receive, limits
        self._bytes = 0
        self._end = time.monotonic() + limits.seconds
        self._whole = False

    async def __call__(self) -> dict[str, Any]:
        if self._whole:
            message: dict[str, Any] = await self._receive()
            return message
        from starlette.exceptions import HTTPException

        try:
            async with asyncio.timeout(max(0.0, self._end - time.monotonic())):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, "the body did not arrive in time") from error
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._limits.body_bytes:
            raise HTTPException(413, f"a body has at most {self._limits.body_bytes:,} bytes")
        self._whole = not message.get("more_body", False)
        return message


def _line(seen: _Seen, status: int, sent: int, seconds: float) -> str:
    """Return one request as a line of JSON. The query may contain user input; the key is in no address."""
    return json.dumps(
        {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "client": seen.client[0] if seen.client else None,
            "method": seen.method,
            "path": seen.path.decode("latin-1"),
            "query": seen.query.decode("latin-1"),
            "status": status,
            "bytes": sent,
            "milliseconds": round(seconds * 1000, 2),
        }
    )
