"""The routes of samples: an address in, its bytes out. The one place that has to be fast."""

import asyncio
import hashlib
from typing import Any

from ..classes import Classes
from ..errors import InputError
from .addresses import Address, parse
from .answers import IMMUTABLE, Headers, TooLargeError, TooSlowError, send_bytes
from .batching import Batcher, BusyError
from .encoders import require_form
from .limits import Limits
from .models import Model, Models
from .ranges import RangeMaker, left

_REDIRECT = 307  # to a digest, which another model may have tomorrow


class SampleRoutes:
    """Answers ``GET /{model}/{seed}/{sample}``."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self._models, self._limits = models, limits
        self._batchers = {model.digest: Batcher(model.generator, queue=limits.queue) for model in models}
        self._ranges = RangeMaker(limits)

    def batcher(self, model: Model) -> Batcher:
        """The batcher of a model, which other routes share."""
        return self._batchers[model.digest]

    def close(self) -> None:
        """End the threads."""
        for batcher in self._batchers.values():
            batcher.close()
        self._ranges.close()

    async def answer(self, segments: list[bytes], scope: dict[str, Any], receive: Any, send: Any) -> int:
        """Answer a request for a path of three segments.

        Returns:
            The status.

        Raises:
            DropganError: Before anything was sent; see `answers.status_of`.
        """
        head = scope["method"] == "HEAD"
        model_text = segments[1].decode("latin-1")
        model = self._models.exact(model_text)
        if model is None:
            model = self._models.find(model_text)
            where = b"/".join([b"", model.digest.encode(), *segments[2:]])
            if scope["query_string"]:
                where += b"?" + scope["query_string"]
            # a name may be another model's tomorrow; the beginning of a digest may become ambiguous
            headers: Headers = [(b"location", where), (b"cache-control", b"no-cache")]
            await send_bytes(send, _REDIRECT, b"", headers, head=head)
            return _REDIRECT
        address = parse(segments[2], segments[3], scope["query_string"])
        label = self._label(model, address)
        tag = _tag(model, address, label)
        always: Headers = [(b"etag", tag), (b"cache-control", IMMUTABLE)]
        if _matches(scope["headers"], tag):
            await send({"type": "http.response.start", "status": 304, "headers": always})
            await send({"type": "http.response.body", "body": b""})
            return 304
        if not address.single:
            return await self._ranges.answer(model, address, label, always, receive, send, head=head)
        form = require_form(address.suffix, model.generator.card)
        self._bound_picture(model, address)
        about: dict[str, Any] = {"seed": address.seed, "index": address.start, "scale": address.scale}
        card = model.generator.card

        def encode(sample: Any, found: int | None) -> bytes:
            return form.encode(sample, card, about | {"label": found})

        batcher = self._batchers[model.digest]
        made = batcher.sample(address.seed, address.start, label, address.truncation, encode)
        body = await in_time(made, self._limits.seconds, receive if len(batcher) > batcher.most else None)
        await send_bytes(send, 200, body, [(b"content-type", form.media_type.encode()), *always], head=head)
        return 200

    def _label(self, model: Model, address: Address) -> int | None:
        if address.label is None:
            return None
        classes = Classes.of(model.generator.card)
        if not classes.numbers:
            raise InputError("this model is not class-conditional: it takes no label")
        return classes.numbers[classes.place(address.label)]

    def _bound_picture(self, model: Model, address: Address) -> None:
        shape = model.generator.sample_shape
        if address.scale > 1 and shape[0] * shape[1] * address.scale**2 > self._limits.picture_pixels:
            raise TooLargeError(f"a picture has at most {self._limits.picture_pixels:,} pixels")


async def in_time(made: Any, seconds: float, receive: Any = None) -> bytes:
    """What a batch gives, unless it takes too long or the client leaves.

    Args:
        made: The coroutine that waits for it.
        seconds: How long that may take.
        receive: ASGI's channel, to see the client leave; None does not look, which is cheaper.

    Raises:
        TooSlowError: It took too long.
        BusyError: The client has left; nobody reads the answer.
    """
    try:
        async with asyncio.timeout(seconds):
            if receive is None:
                body: bytes = await made
                return body
            work = asyncio.ensure_future(made)
            leaving = asyncio.ensure_future(left(receive))
            try:
                await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    result: bytes = work.result()
                    return result
                raise BusyError("the client has left")
            finally:
                work.cancel()
                leaving.cancel()
    except TimeoutError as error:
        raise TooSlowError(f"no answer within {seconds:g} seconds") from error


def _tag(model: Model, address: Address, label: int | None) -> bytes:
    """A strong ETag: a digest of all that the answer's bytes are a function of, so nothing need be made."""
    parts = (
        model.stamp, model.digest, address.seed, address.start, address.count, address.single,
        address.suffix, label, address.scale, address.truncation,
    )  # fmt: skip
    return b'"' + hashlib.sha256(repr(parts).encode()).hexdigest()[:32].encode() + b'"'


def _matches(headers: Headers, tag: bytes) -> bool:
    for name, value in headers:
        if name == b"if-none-match":
            given = (part.strip().removeprefix(b"W/") for part in value.split(b","))
            if value.strip() == b"*" or tag in given:
                return True
    return False
