"""Responses with a range of samples: a grid, or a stream of any length in bounded memory."""

import asyncio
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from ..kinds import kind_of
from ..pictures import grid
from .addresses import Address
from .answers import Headers, TooLargeError
from .batching import BusyError
from .encoders import png, require_form, scaled
from .limits import Limits
from .models import Model

_CHUNK_BYTES = 2**20
_END = object()


class RangeMaker:
    """Makes a few ranges at a time, each in a thread, as fast as its client reads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.ranges, thread_name_prefix="dropgan-ranges")
        self._under_way = 0

    def close(self) -> None:
        """Stop the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def answer(
        self,
        model: Model,
        address: Address,
        label: int | None,
        always: Headers,
        receive: Any,
        send: Any,
        *,
        head: bool,
    ) -> int:
        """Send a range and return the status.

        Raises:
            TooLargeError: The range is longer than the limit.
            BusyError: The limit of concurrent ranges is reached.
            InputError: The model's samples do not have this form.
        """
        form = _FORMS[address.suffix]
        most = self._limits.grid_samples if address.suffix == "png" else self._limits.range_samples
        if address.count > most:
            raise TooLargeError(f"a range has at most {most:,} samples as {address.suffix}: request several")
        if self._under_way >= self._limits.ranges:
            raise BusyError(f"{self._limits.ranges} ranges are being made: try again in a second")
        self._under_way += 1
        try:
            media_type, length, chunks = form(model, address, label, self._limits)
            headers = [(b"content-type", media_type.encode()), *always]
            loop = asyncio.get_running_loop()
            first = b"" if head else await loop.run_in_executor(self._threads, next, chunks, b"")
            if head or length == len(first):
                if length is not None:
                    headers.append((b"content-length", str(length).encode()))
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": first})
                return 200
            if length is not None:
                headers.append((b"content-length", str(length).encode()))
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            chunk: Any = first
            leaving = asyncio.ensure_future(left(receive))
            try:
                while chunk is not _END and not leaving.done():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    chunk = await loop.run_in_executor(self._threads, next, chunks, _END)
            finally:
                leaving.cancel()
            await send({"type": "http.response.body", "body": b""})
            return 200
        finally:
            self._under_way -= 1


def _batches(model: Model, address: Address, label: int | None) -> Iterator[Any]:
    generator = model.generator
    size = int(np.prod(generator.sample_shape)) * 4
    return generator.stream(
        address.count,
        seed=address.seed,
        start=address.start,
        labels=label,
        batch_size=max(1, min(1024, _CHUNK_BYTES // size)),
        truncation=address.truncation,
    )


async def left(receive: Any) -> None:
    """Return when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


Made = tuple[str, int | None, Iterator[bytes]]
"""Media type, length where it is known before anything is made, and the bytes."""


def _grid(model: Model, address: Address, label: int | None, limits: Limits) -> Made:
    generator = model.generator
    require_form("png", generator.card)
    kind = kind_of(generator.card)
    height, width = kind.picture_size(generator.sample_shape)
    pixels = address.count * (height + 1) * (width + 1) * address.scale**2
    if pixels > limits.picture_pixels:
        raise TooLargeError(
            f"a picture has at most {limits.picture_pixels:,} pixels: use a smaller range or scale"
        )

    def chunks() -> Iterator[bytes]:
        samples = np.concatenate(list(_batches(model, address, label)))
        yield png(scaled(grid(kind.pictures(samples)), address.scale))

    return "image/png", None, chunks()


def _npy(model: Model, address: Address, label: int | None, limits: Limits) -> Made:
    generator = model.generator
    kind = generator.sample_dtype
    shape = (address.count, *generator.sample_shape)
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    )
    header = buffer.getvalue()

    def chunks() -> Iterator[bytes]:
        yield header
        for batch in _batches(model, address, label):
            yield np.ascontiguousarray(batch).tobytes()

    length = len(header) + int(np.prod(shape, dtype=object)) * kind.itemsize
    return "application/octet-stream", length, chunks()


class _Pipe(io.RawIOBase):
    """A file object that passes on what a shard writer writes."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        """Store a copy, because the writer reuses its buffers, and return its length in bytes."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def taken(self) -> bytes:
        """Return everything that was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _shard(suffix: str) -> Callable[[Model, Address, int | None, Limits], Made]:
    """Return a function that writes a range in a shard format, with the bytes of a shard of that range."""

    def form(model: Model, address: Address, label: int | None, limits: Limits) -> Made:
        from ..batch.format import NewShard, shown
        from ..batch.formats import format_named, view_for

        generator, card = model.generator, model.generator.card
        format_ = format_named(suffix)
        view = view_for(format_, card)
        pipe = _Pipe()
        probe = shown(card, view, generator.sample(1))
        new = NewShard(
            path=Path("range"),
            shape=probe.shape[1:],
            dtype=probe.dtype.name,
            count=address.count,
            filtered=False,
            labelled=bool(generator.classes),
            seed=address.seed,
            generator=generator,
            file=cast(BinaryIO, pipe),
        )
        writer = format_.ways[view].open(new)

        def chunks() -> Iterator[bytes]:
            first = address.start
            try:
                for batch in _batches(model, address, label):
                    indices = np.arange(first, first + len(batch), dtype=np.int64)
                    labels = None
                    if generator.classes and label is None:
                        labels = generator.labels(len(batch), seed=address.seed, start=first)
                    elif generator.classes:
                        labels = np.full(len(batch), label, dtype=np.int64)
                    writer.add(indices, shown(card, view, batch), labels)
                    first += len(batch)
                    yield pipe.taken()
                writer.finish("range")
                yield pipe.taken()
            finally:
                writer.close()

        return _MEDIA_TYPES[suffix], None, chunks()

    return form


_MEDIA_TYPES = {
    "tar": "application/x-tar",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
}
_FORMS: dict[str, Callable[[Model, Address, int | None, Limits], Made]] = {
    "png": _grid,
    "npy": _npy,
    **{suffix: _shard(suffix) for suffix in _MEDIA_TYPES},
}
