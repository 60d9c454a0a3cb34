"""The cache directory, for files that dropgan can make again."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dropgan.serve.atomic import atomic_file
from dropgan.serve.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows: temporaries of killed processes stay
    fcntl = None  # type: ignore[assignment]

_REMEDY = "the environment variable XDG_CACHE_HOME names another directory for the cache"


def cache_directory() -> Path:
    """Return ``$XDG_CACHE_HOME/dropgan``, by default ``~/.cache/dropgan``.

    Raises:
        OutputError: Neither directory is known.
    """
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(named or Path.home() / ".cache") / "dropgan"
    except RuntimeError as error:
        raise OutputError(f"there is no home directory for the cache: {_REMEDY}") from error


@contextmanager
def cache_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file of the cache, completely or not at all, as `atomic_file` does.

    Temporary files that killed processes left beside it are removed. Those of running processes are locked
    and kept.

    Raises:
        OutputError: It cannot be written. The message says how to move the cache.
    """
    try:
        with ExitStack() as stack:
            with _alone_in(path.parent):
                _tidy(path.parent)
                file = stack.enter_context(atomic_file(path))
                _lock(file.fileno())
            yield file
    except OutputError as error:
        raise OutputError(f"{error}; {_REMEDY}") from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from cleaning the folder, or creating a file there that is not locked yet."""
    with suppress(OSError):  # whoever writes there says what is wrong
        folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        _lock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


def _tidy(folder: Path) -> None:
    for temporary in folder.glob(".*.tmp"):
        with suppress(OSError), temporary.open("rb") as file:
            if _lock(file.fileno()):
                temporary.unlink()


def _lock(descriptor: int, *, wait: bool = False) -> bool:
    """Return True if the lock was taken; False if another process holds it or the file system has
    no locks.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True
