"""Samples as bare bytes into a pipe."""

from collections.abc import Callable
from typing import Any

from ..errors import OutputError
from ..generator import Generator
from .job import check_truncation
from .keep import apply_keep, describe_keep, load_keep
from .stages import Ahead

_BATCH = 1024
_AHEAD = 3


def write_raw(
    generator: Generator,
    stream: Any,
    count: int,
    *,
    seed: int = 0,
    start: int = 0,
    truncation: float = 1.0,
    keep: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write samples in order to a binary stream, nothing before, between or after them.

    Args:
        generator: Where they come from.
        stream: Anything with ``write``; the bytes are those of `Generator.sample`'s array.
        count: How many.
        seed: 0 to 2**64 - 1.
        start: Index of the first.
        truncation: Factor of the latents, above 0 and at most 1.
        keep: A filter as for `generate`.
        progress: Called with the number of samples done.

    Returns:
        How many were written, after the filter.

    Raises:
        InputError: An argument is out of its range, or the filter failed.
        OutputError: The reader has closed the pipe, or the disk behind it is full.
    """
    check_truncation(truncation)
    function = load_keep(keep) if describe_keep(keep) and keep else None
    batches = generator.stream(count, seed=seed, start=start, batch_size=_BATCH, truncation=truncation)
    done = written = 0
    with Ahead(iter(batches), _AHEAD) as ahead:
        for batch in ahead:
            chosen = batch if function is None else batch[apply_keep(function, str(keep), batch)]
            try:
                stream.write(chosen.data)
            except BrokenPipeError as error:
                raise OutputError(f"the reader closed the pipe after {written} samples or so") from error
            except OSError as error:
                raise OutputError(f"cannot write to the pipe: {error.strerror or error}") from error
            done += len(batch)
            written += len(chosen)
            if progress:
                progress(done)
    try:
        stream.flush()
    except OSError as error:
        raise OutputError(f"cannot write to the pipe: {error.strerror or error}") from error
    return written
