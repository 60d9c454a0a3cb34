"""Pictures of any kind to one array: decoded once, in parallel, into a file mapped into memory.

The file is ``images/KEY.npy`` in the cache directory, the key made of what the source says of its
content and of the rule by which it is read. It is written whole or not at all; ``KEY.json`` beside
it names the pictures that could not be read.
"""

import hashlib
import json
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from dropgan.serve.atomic import atomic_file, write_text
from dropgan.serve.cores import usable_cores

from .cache import cache_directory
from .dataset import DataError, ImageData
from .options import MAX_SIDE, MIN_SIDE, DataOptions, Watcher
from .picture import RULE, BrokenPictureError, read_picture, resize_pixels

Encoded = Path | bytes | NDArray[np.uint8] | None
"""A picture as a file, a file's content, pixels [height, width, channels], or missing."""
Named = tuple[str, Encoded]

_NAMED = 5  # broken pictures in a message
_COPIED = 64 * 2**20  # bytes at a time


class PictureSource(Protocol):
    """Pictures in an order of their own.

    Attributes:
        name: Name of the data set, without directories.
        labels: int64 [n], one a picture, or None.
        class_names: One name a class, or empty.
    """

    name: str
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """Number of pictures, broken ones among them."""

    def key(self) -> str:
        """Changes whenever the pictures change."""

    def chunks(self) -> Iterator[list[Named]]:
        """All pictures in order, some dozens at a time, each with a name for messages."""


@dataclass(frozen=True)
class _Broken:
    """A picture that was left out."""

    index: int
    name: str
    reason: str


def decode_pictures(source: PictureSource, options: DataOptions, watch: Watcher) -> ImageData:
    """The pictures as one array, from the cache where they are there.

    Raises:
        DataError: There are too few, all are broken, they differ in size and no size was asked for,
            or one is broken and the options are strict.
        OutputError: The cache cannot be written.
    """
    text = f"{RULE} {options.size} {options.colour} {source.key()}"
    path = cache_directory() / "images" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npy"
    kept = _from_cache(path, len(source))
    if kept is None:
        broken = _decode(source, options, watch, path)
        images = np.load(path, mmap_mode="r")
    else:
        images, broken = kept
    if broken:
        told = f"{_listed(source, broken)}"
        if options.strict:
            raise DataError(f"{told}: mend or remove them, or leave out --strict")
        watch.say(f"{told}: left out")
    labels = source.labels
    if labels is not None and broken:
        labels = np.delete(labels, [picture.index for picture in broken])
    return ImageData(images, source.name, labels, source.class_names)


class ArrayPictures:
    """Images that are an array already, to be resized or turned grey."""

    def __init__(self, data: ImageData) -> None:
        self.name, self.labels, self.class_names = data.name, data.labels, data.class_names
        self._data = data

    def __len__(self) -> int:
        return len(self._data.images)

    def key(self) -> str:
        return self._data.fingerprint

    def chunks(self) -> Iterator[list[Named]]:
        images = self._data.images
        for start in range(0, len(images), 256):
            yield [(f"image {start + i}", pixels) for i, pixels in enumerate(images[start : start + 256])]


def fit_array(data: ImageData, options: DataOptions, watch: Watcher) -> ImageData:
    """An array in the size and colour asked for; the array itself where it is so already."""
    height, width, channels = data.images.shape[1:]
    wanted = {"auto": channels, "grey": 1, "colour": 3}[options.colour]
    if wanted == channels and options.size in (0, height) and options.size in (0, width):
        return data
    exact = DataOptions(options.size, "grey" if wanted == 1 else "colour", options.strict)
    return decode_pictures(ArrayPictures(data), exact, watch)


def _from_cache(path: Path, count: int) -> tuple[NDArray[np.uint8], list[_Broken]] | None:
    try:
        broken = [_Broken(*entry) for entry in json.loads(path.with_suffix(".json").read_text("utf-8"))]
        images = np.load(path, mmap_mode="r")
    except (OSError, ValueError, TypeError):
        return None  # not there, or damaged: made anew
    return (images, broken) if len(images) == count - len(broken) else None


def _decode(source: PictureSource, options: DataOptions, watch: Watcher, path: Path) -> list[_Broken]:
    broken: list[_Broken] = []
    with warnings.catch_warnings(), atomic_file(path) as file:
        warnings.simplefilter("ignore")  # odd metadata in a picture is no reason to talk
        rows = _Rows(source.name, file, undecided=options.colour == "auto")
        done, total = 0, len(source)
        for results in _in_parallel(source, options):
            for name, result in results:
                if isinstance(result, BrokenPictureError):
                    broken.append(_Broken(done, name, str(result)))
                    if options.strict:
                        raise DataError(
                            f"{source.name}: {name} cannot be read ({result}): mend or remove it, or leave"
                            " out --strict"
                        )
                else:
                    rows.add(name, result)
                done += 1
            watch.progress(done, total)
        if rows.count == 0:
            raise DataError(_listed(source, broken))
        rows.finish()
        write_text(path.with_suffix(".json"), json.dumps([[b.index, b.name, b.reason] for b in broken]))
    return broken


def _in_parallel(
    source: PictureSource, options: DataOptions
) -> Iterator[list[tuple[str, NDArray[np.uint8] | BrokenPictureError]]]:
    """Chunks of results in the order of the source; only some are held at a time.

    Threads do: Pillow decodes and resizes outside the interpreter's lock.
    """
    grey = options.colour == "grey"

    def work(chunk: list[Named]) -> list[tuple[str, NDArray[np.uint8] | BrokenPictureError]]:
        return [(name, _result(encoded, options.size, grey=grey)) for name, encoded in chunk]

    workers = usable_cores()
    waiting: deque[Future[list[tuple[str, NDArray[np.uint8] | BrokenPictureError]]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pictures")
    try:
        for chunk in source.chunks():
            waiting.append(pool.submit(work, chunk))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _result(encoded: Encoded, size: int, *, grey: bool) -> NDArray[np.uint8] | BrokenPictureError:
    if encoded is None:
        return BrokenPictureError("there is no picture")
    if isinstance(encoded, np.ndarray):
        return resize_pixels(encoded, size, grey=grey)
    try:
        return read_picture(encoded, size, grey=grey)
    except BrokenPictureError as error:
        return error


class _Rows:
    """The .npy file as it grows; its header says at the end how many rows there are."""

    def __init__(self, source: str, file: BinaryIO, *, undecided: bool) -> None:
        self.count = 0
        self._source, self._file = source, file
        self._all_grey = undecided  # until a picture shows the contrary
        self._first = ""
        self._shape: tuple[int, ...] = ()

    def add(self, name: str, pixels: NDArray[np.uint8]) -> None:
        """Append uint8 [height, width, channels].

        Raises:
            DataError: It is not of the first one's size, or of a size that cannot be trained on.
        """
        if not self._shape:
            self._begin(name, pixels.shape)
        if pixels.shape != self._shape:
            (h, w, _), (height, width, _) = self._shape, pixels.shape
            raise DataError(
                f"{self._source}: the images differ in size ({self._first} is {w}x{h}, {name} is"
                f" {width}x{height}): --size S cuts squares and resizes them to S pixels"
            )
        if self._all_grey:
            self._all_grey = bool((pixels[..., :1] == pixels[..., 1:]).all())
        self._file.write(np.ascontiguousarray(pixels).data)
        self.count += 1

    def finish(self) -> None:
        """Keep one channel where all are grey and the choice was open, and write the header."""
        height, width, channels = self._shape
        if self._all_grey:
            self._to_one_channel()
            channels = 1
        self._file.truncate(self._offset + self.count * height * width * channels)
        self._file.seek(0)
        self._write_header((self.count, height, width, channels))

    def _begin(self, name: str, shape: tuple[int, ...]) -> None:
        height, width, _ = shape
        if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
            raise DataError(
                f"{self._source}: {name} is {width}x{height} pixels, images must be {MIN_SIDE} to {MAX_SIDE}"
                " high and wide: --size S cuts squares and resizes them to S pixels"
            )
        self._first, self._shape = name, shape
        self._write_header((0, *shape))
        self._offset = self._file.tell()

    def _write_header(self, shape: tuple[int, ...]) -> None:
        """numpy leaves room for the first number to grow, so that the length stays the same."""
        npy.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})

    def _to_one_channel(self) -> None:
        """In place: what is written never overtakes what is read."""
        read = write = self._offset
        end = self._offset + self.count * int(np.prod(self._shape))
        while read < end:
            self._file.seek(read)
            part = self._file.read(min(_COPIED // 3 * 3, end - read))
            self._file.seek(write)
            self._file.write(np.frombuffer(part, np.uint8)[::3].tobytes())
            read, write = read + len(part), write + len(part) // 3


def _listed(source: PictureSource, broken: list[_Broken]) -> str:
    named = "; ".join(f"{picture.name} ({picture.reason})" for picture in broken[:_NAMED])
    more = f"; and {len(broken) - _NAMED:,} more" if len(broken) > _NAMED else ""
    return f"{source.name}: {len(broken):,} of {len(source):,} images cannot be read: {named}{more}"
