"""Decode pictures once, in parallel, into one array in a file that is mapped into memory.

The file is ``images/KEY.npy`` in the cache directory. The key is made from the pictures' content and the rule
by which they are read. The file is written completely or not at all.
"""

import hashlib
import json
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dropgan.serve.cores import usable_cores
from dropgan.serve.reporter import Progress, Reporter

from .cache import cache_directory, cache_file
from .dataset import DataError, ImageData, image_fingerprint
from .deep import depth_of, depth_remark
from .kept import Broken, DamagedCacheError, Kept, Notes, read_kept, write_notes
from .numpy_files import map_array
from .options import DataOptions
from .origins import Counting
from .picture import RULE, BrokenPictureError, Picture, open_file, read_picture, resize_pixels
from .rows import Rows

Encoded = Path | bytes | NDArray[np.uint8] | BrokenPictureError
"""A picture as a file, a file's content, pixels [height, width, channels], or why there is none."""
Named = tuple[str, Encoded]

_Result = TypeVar("_Result")
_NAMED = 5  # broken pictures in a message
_NOTES = 2  # layout of what is kept beside the pixels
_READ = 2**20  # bytes at a time; most pictures are read at once


class PictureSource(Protocol):
    """An ordered collection of pictures.

    Attributes:
        name: Name of the data set, without directories.
        labels: int64 [n], one for each picture, or None.
        class_names: One name for each class, or empty.
    """

    name: str
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of pictures, including broken ones."""
        ...

    def chunks(self) -> Iterator[list[Named]]:
        """Yield all pictures in order, a few dozen at a time, each with a name for messages."""
        ...


def decode_pictures(source: PictureSource, options: DataOptions, reporter: Reporter) -> ImageData:
    """Return the pictures as one array, from the cache if they are there.

    Raises:
        DataError: There are too few, all are broken, they differ in size and no size was given, or one is
            broken and the options are strict.
        OutputError: The cache cannot be written.
    """
    path = cache_directory() / "images" / f"{_key(source, options)}.npy"
    try:
        kept = read_kept(path)
    except DamagedCacheError:
        reporter.note(f"{source.name}: the decoded pictures in {path} were damaged: decoding again")
        kept = None
    images, notes = kept or _decode(source, options, reporter, path)
    if notes.broken:
        told = f"{_listed(source, notes.broken)}"
        if options.strict:
            raise DataError(f"{told}: repair or remove them, or leave out --strict")
        reporter.note(f"{told}: left out")
    if remark := depth_remark(source.name, notes.peak):
        reporter.note(remark)
    if notes.more:
        reporter.note(
            f"{source.name}: {notes.more:,} pictures have several frames or pages: only the first is used"
        )
    labels = source.labels
    if labels is not None and notes.broken:
        labels = np.delete(labels, [picture.index for picture in notes.broken])
    data = ImageData(images, source.name, labels, source.class_names, origins=notes.origins)
    object.__setattr__(data, "fingerprint", notes.fingerprint)  # just computed; may take seconds
    return data


class ArrayPictures:
    """Images that are already an array, to be resized or converted to grey."""

    def __init__(self, data: ImageData) -> None:
        self.name, self.labels, self.class_names = data.name, data.labels, data.class_names
        self._data = data

    def __len__(self) -> int:
        return len(self._data.images)

    def chunks(self) -> Iterator[list[Named]]:
        images = self._data.images
        for start in range(0, len(images), 256):
            yield [(f"image {start + i}", pixels) for i, pixels in enumerate(images[start : start + 256])]


def fit_array(data: ImageData, options: DataOptions, reporter: Reporter) -> ImageData:
    """Return an array in the requested size and colour, or the array itself if it needs no change."""
    height, width, channels = data.images.shape[1:]
    wanted = {"auto": channels, "grey": 1, "colour": 3}[options.colour]
    if wanted == channels and options.size in (0, height) and options.size in (0, width):
        return data
    exact = DataOptions(options.size, "grey" if wanted == 1 else "colour", options.strict)
    return decode_pictures(ArrayPictures(data), exact, reporter)


def _key(source: PictureSource, options: DataOptions) -> str:
    """Return a digest of names, contents, and how they are read."""
    digest = hashlib.sha256(json.dumps([RULE, _NOTES, options.size, options.colour]).encode())
    for entries in _in_parallel(source, lambda chunk: [[name, _content(encoded)] for name, encoded in chunk]):
        digest.update(json.dumps(entries).encode())
    return digest.hexdigest()[:32]


def _content(encoded: Encoded) -> str:
    """Return the digest of a picture, or the reason why it cannot be read."""
    if isinstance(encoded, Path):
        try:
            with open_file(encoded) as file:
                digest = hashlib.sha256()
                while part := file.read(_READ):
                    digest.update(part)
                return digest.hexdigest()
        except OSError as error:
            return f"{type(error).__name__}"
    if isinstance(encoded, BrokenPictureError):
        return str(encoded)
    if isinstance(encoded, np.ndarray):
        return f"{encoded.shape} {hashlib.sha256(np.ascontiguousarray(encoded).data).hexdigest()}"
    return hashlib.sha256(encoded).hexdigest()


def _decode(source: PictureSource, options: DataOptions, reporter: Reporter, path: Path) -> Kept:
    """Write the pixels, and the notes about them beside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata in a picture is no reason to talk
        notes = _decoded(source, options, reporter, path, 16)
        if notes.peak and depth_of(notes.peak) < 16:
            notes = _decoded(source, options, reporter, path, depth_of(notes.peak))
    write_notes(path, notes)
    return map_array(path), notes


def _decoded(
    source: PictureSource, options: DataOptions, reporter: Reporter, path: Path, depth: int
) -> Notes:
    """Write the pixels, reading the values of 16-bit pictures as ``depth`` bits."""
    broken: list[Broken] = []
    grey, peak, more, done, total = options.colour == "grey", 0, 0, 0, len(source)
    counting, counted = Counting(options.size), 0

    def work(chunk: list[Named]) -> list[tuple[str, Picture | BrokenPictureError]]:
        return [(name, _result(encoded, options.size, grey=grey, depth=depth)) for name, encoded in chunk]

    with cache_file(path) as file:
        rows = Rows(source.name, file, undecided=options.colour == "auto")
        for results in _in_parallel(source, work):
            for name, result in results:
                if isinstance(result, BrokenPictureError):
                    broken.append(Broken(done, name, str(result)))
                    if options.strict:
                        raise DataError(
                            f"{source.name}: {name} cannot be read ({result}): repair or remove it, or leave"
                            " out --strict"
                        )
                else:
                    rows.add(name, result.pixels)
                    peak, more = max(peak, result.peak), more + result.more
                    if result.origin is not None:
                        counting.add(result.origin)
                        counted += 1
                done += 1
            reporter.progress(Progress("reading images", done, total, "images"))
        if rows.count == 0:
            raise DataError(_listed(source, broken))
        rows.finish()
    origins = counting.result() if counted else None
    return Notes(image_fingerprint(map_array(path)), tuple(broken), peak, more, origins)


def _in_parallel(source: PictureSource, work: Callable[[list[Named]], _Result]) -> Iterator[_Result]:
    """Yield the result of ``work`` for each chunk, in order. Only a few are in memory at a time.

    Threads suffice, because Pillow decodes and resizes outside the interpreter lock, and so do digests.
    """
    workers = usable_cores()
    waiting: deque[Future[_Result]] = deque()
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


def _result(encoded: Encoded, size: int, *, grey: bool, depth: int) -> Picture | BrokenPictureError:
    if isinstance(encoded, BrokenPictureError):
        return encoded
    if isinstance(encoded, np.ndarray):
        return Picture(resize_pixels(encoded, size, grey=grey))
    try:
        return read_picture(encoded, size, grey=grey, depth=depth)
    except BrokenPictureError as error:
        return error


def _listed(source: PictureSource, broken: Sequence[Broken]) -> str:
    named = "; ".join(f"{picture.name} ({picture.reason})" for picture in broken[:_NAMED])
    more = f"; and {len(broken) - _NAMED:,} more" if len(broken) > _NAMED else ""
    return f"{source.name}: {len(broken):,} of {len(source):,} images cannot be read: {named}{more}"
