"""The routes of samples: from an address to its bytes. This is the one place that must be fast."""

import asyncio
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from ..classes import WORDS
from ..errors import DropganError, InputError
from ..kinds import kind_of
from .addresses import Address, parse
from .answers import FOREVER, Headers, TooLargeError, send_bytes
from .batching import Answer, Batcher, Encode, Left, LeftError, Wanted
from .encoders import Form, require_form
from .limits import Limits
from .models import Model, Models
from .ranges import RangeMaker, left

LEFT = "dropgan.left"
"""Key in a scope's ``extensions`` of a function that tells if the client has disconnected (`protocol`)."""
_NONE: dict[str, Any] = {}
_REDIRECT = 307  # to a digest, which another model may have tomorrow
OTHERWISE = frozenset({b"if-none-match", b"origin"})
"""Request headers that may change the status or the headers of the response."""


class SampleRoutes:
    """Answers ``GET /{model}/{seed}/{sample}``."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self._models, self._limits = models, limits
        for model in models:
            model.stamp  # noqa: B018 - takes a moment, for which nobody who asks shall wait
        self._batchers = {
            model.digest: Batcher(model.generator, queue=limits.queue, seconds=limits.seconds)
            for model in models
        }
        self._encoders: dict[tuple[str, str, int], Encode] = {}
        self._ranges = RangeMaker(limits)

    def batcher(self, model: Model) -> Batcher:
        """Return a model's batcher, which other routes share."""
        return self._batchers[model.digest]

    def begin(self, path: bytes, query: bytes, left: Left, answer: Answer) -> bytes | None:
        """Start to answer a GET, if it asks for one sample.

        Args:
            path: Path of the target, as received.
            query: Query string, without the question mark.
            left: Returns True once the client has disconnected.
            answer: Called with the body or the error.

        Returns:
            The header lines of the response in progress, or None for any other or invalid request, which
            `answer` handles.

        Raises:
            BusyError: The queue is full, and nothing was started.
        """
        segments = path.split(b"/")
        if len(segments) != 4 or b"-" in segments[3]:
            return None
        model = self._models.exact(segments[1].decode("latin-1"))
        if model is None:
            return None
        batcher = self._batchers[model.digest]
        batcher.require_room()  # before anything is read that a refusal does not need
        try:
            address = parse(segments[2], segments[3], query)
            label, form = self._label(model, address), require_form(address.suffix, model.generator.card)
            self._bound_picture(model, address)
        except DropganError:
            return None
        a, light = address, form.light and address.scale == 1
        encode = self._encoder(model, address, form)
        batcher.request(Wanted(a.seed, a.start, label, a.truncation, encode, answer, light, left))
        return form.lines + b"etag: %b\r\n" % _tag(model, address, label)

    def close(self) -> None:
        """Stop the threads."""
        for batcher in self._batchers.values():
            batcher.close()
        self._ranges.close()

    async def answer(self, segments: list[bytes], scope: dict[str, Any], receive: Any, send: Any) -> int:
        """Answer a request for a path of three segments.

        Returns:
            The status.

        Raises:
            DropganError: The request failed before anything was sent; see `answers.status_of`.
        """
        head = scope["method"] == "HEAD"
        model_text = segments[1].decode("latin-1")
        model = self._models.exact(model_text)
        address = parse(segments[2], segments[3], scope["query_string"])
        if model is None:
            model = self._models.find(model_text)
            where = b"/".join([b"", model.digest.encode(), *segments[2:]])
            if scope["query_string"]:
                where += b"?" + scope["query_string"]
            # a name may be another model's tomorrow; the beginning of a digest may become ambiguous
            headers: Headers = [(b"location", where), (b"cache-control", b"no-cache")]
            await send_bytes(send, _REDIRECT, b"", headers, head=head)
            return _REDIRECT
        label = self._label(model, address)
        tag = _tag(model, address, label)
        always: Headers = [(b"etag", tag), FOREVER]
        if _matches(scope["headers"], tag):
            await send({"type": "http.response.start", "status": 304, "headers": always})
            await send({"type": "http.response.body", "body": b""})
            return 304
        if not address.single:
            return await self._ranges.answer(model, address, label, always, receive, send, head=head)
        form = require_form(address.suffix, model.generator.card)
        self._bound_picture(model, address)
        batcher, encode, a = self._batchers[model.digest], self._encoder(model, address, form), address
        left, light = (scope.get("extensions") or _NONE).get(LEFT), form.light and a.scale == 1
        made = batcher.sample(a.seed, a.start, label, a.truncation, encode, light=light, left=left)
        # whoever is in the next batch does not wait long enough to leave
        watched = left is None and len(batcher) > batcher.most
        body = await (_unless_left(made, receive) if watched else made)
        await send_bytes(send, 200, body, [(b"content-type", form.content_type), *always], head=head)
        return 200

    def _encoder(self, model: Model, address: Address, form: Form) -> Encode:
        """Return one function object per form, so that a batch encodes all requests for it together."""
        key, scale = (model.digest, address.suffix, address.scale), address.scale
        if key not in self._encoders:
            card = model.generator.card

            def encode(samples: NDArray[Any], wanted: Sequence[Wanted]) -> list[bytes]:
                return form.encode(samples, wanted, card, scale)

            self._encoders[key] = encode
        return self._encoders[key]

    def _label(self, model: Model, address: Address) -> int | None:
        if address.label is None:
            return None
        classes = model.classes
        if not classes.numbers:
            raise InputError("this model is not class-conditional: leave out label")
        if address.label in WORDS and address.label not in classes.names:
            raise InputError(
                f"label={address.label} is no class: an address has one class, or none and the model's own"
                f" draw ({classes.default}); send labels of your own by POST, a class for each sample"
            )
        return classes.numbers[classes.place(address.label)]

    def _bound_picture(self, model: Model, address: Address) -> None:
        if address.scale == 1:
            return
        height, width = kind_of(model.generator.card).picture_size(model.generator.sample_shape)
        if height * width * address.scale**2 > self._limits.picture_pixels:
            raise TooLargeError(f"a picture has at most {self._limits.picture_pixels:,} pixels")


async def _unless_left(made: "asyncio.Future[bytes]", receive: Any) -> bytes:
    """Wait for the result of a batch unless the client disconnects first.

    Raises:
        LeftError: The client disconnected.
    """

    def leave(_: object) -> None:
        if not made.done():
            made.set_exception(LeftError("the client has left"))

    leaving = asyncio.ensure_future(left(receive))
    leaving.add_done_callback(leave)
    try:
        return await made
    finally:
        leaving.remove_done_callback(leave)
        leaving.cancel()


def _tag(model: Model, address: Address, label: int | None) -> bytes:
    """Return a strong ETag of everything that decides the bytes, so it is known before the sample is made."""
    a = address
    which = f"{a.seed:x}.{a.start:x}" if a.single else f"{a.seed:x}.{a.start:x}+{a.count}"
    label_text = "" if label is None else label
    form = f"{a.suffix}.{label_text}.{a.scale}.{a.truncation}"
    return f'"{model.stamp}.{model.digest[:16]}.{which}.{form}"'.encode()


def _matches(headers: Headers, tag: bytes) -> bool:
    for name, value in headers:
        if name == b"if-none-match":
            given = (part.strip().removeprefix(b"W/") for part in value.split(b","))
            if value.strip() == b"*" or tag in given:
                return True
    return False
