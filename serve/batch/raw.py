"""Write samples as raw bytes to a pipe."""

import math
import os
import stat
from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from ..errors import OutputError
from ..kind import PICTURES
from ..latents import check_range, check_truncation
from ..reporter import LOGGED, Progress, Reporter
from ..source import Source
from ..space import in_words
from .format import shown
from .keep import apply_keep, load_keep, require_pictures
from .labels import Labels, label_rule, labels_of
from .stages import Ahead

_BATCH = 1024
_AHEAD = 3


def write_raw(
    generator: Source,
    stream: Any,
    count: int,
    *,
    seed: int = 0,
    start: int = 0,
    truncation: float = 1.0,
    keep: str | None = None,
    labels: Labels | None = None,
    reporter: Reporter = LOGGED,
) -> int:
    """Write samples in order to a binary stream, with nothing before, between or after them.

    Args:
        generator: Source of the samples.
        stream: Any object with ``write``. It receives the bytes of `Generator.sample`'s array.
        count: Number of samples.
        seed: 0 to 2**64 - 1.
        start: Index of the first sample.
        truncation: Factor for the latents, above 0 and at most 1.
        keep: A filter as for `generate`.
        labels: As for `generate`.
        reporter: Receives the number of finished samples.

    Returns:
        Number of samples written, after the filter.

    Raises:
        InputError: An argument is out of range, or the filter failed.
        OutputError: The reader closed the pipe, or the disk behind it is full.
    """
    check_truncation(truncation)
    check_range(count, seed, start)
    card, function = generator.card, None
    if keep:
        require_pictures(card)
        function = load_keep(keep)
    rule = label_rule(generator, labels)
    if function is None:
        _require_room(stream, count * math.prod(generator.sample_shape) * generator.sample_dtype.itemsize)

    def batches() -> Iterator[NDArray[Any]]:
        for first in range(start, start + count, _BATCH):
            size = min(_BATCH, start + count - first)
            chosen = labels_of(generator, rule, seed=seed, start=first, count=size)
            yield generator.sample(size, seed=seed, start=first, labels=chosen, truncation=truncation)

    done = written = 0
    with Ahead(batches(), _AHEAD) as ahead:
        for batch in ahead:
            chosen = batch
            if function is not None:
                chosen = batch[apply_keep(function, str(keep), shown(card, PICTURES, batch))]
            try:
                stream.write(chosen.data)
            except BrokenPipeError as error:
                raise OutputError(f"the reader closed the pipe after about {written} samples") from error
            except OSError as error:
                raise OutputError(f"cannot write to the pipe: {error.strerror or error}") from error
            done += len(batch)
            written += len(chosen)
            reporter.progress(Progress("sampling", done, count, "samples"))
    try:
        stream.flush()
    except OSError as error:
        raise OutputError(f"cannot write to the pipe: {error.strerror or error}") from error
    return written


def _require_room(stream: Any, needed: int) -> None:
    """Refuse samples that do not fit on the disk if the stream is a file. A pipe is not checked."""
    try:
        descriptor = stream.fileno()
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not hasattr(os, "fstatvfs"):
            return
        system = os.fstatvfs(descriptor)
    except (AttributeError, OSError):  # io.UnsupportedOperation is one: bytes in memory
        return
    free = system.f_bavail * system.f_frsize
    if needed > free:
        raise OutputError(f"these samples take {in_words(needed)}, but only {in_words(free)} are free")
