"""Temporary files and folders beside their targets, cleaned up after killed processes.

The process that fills one holds a lock on it (flock(2)), which the system releases however the process ends.
The next process that writes the same output removes those without a holder.
"""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where what is open cannot be removed
    fcntl = None  # type: ignore[assignment]


def open_temporary_file(target: Path) -> tuple[int, Path]:
    """Create an empty, locked file beside ``target``, open for reading and writing.

    Raises:
        OSError: It cannot be made.
    """
    while True:
        path = _name(target)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        if _hold(descriptor) and os.fstat(descriptor).st_nlink:
            return descriptor, path
        os.close(descriptor)  # somebody who was tidying took it for a dead process's


def open_temporary_folder(target: Path) -> tuple[int, Path]:
    """Create an empty, locked folder beside ``target``. The caller closes the descriptor (-1 on Windows).

    Raises:
        OSError: It cannot be made.
    """
    while True:
        path = _name(target)
        path.mkdir()
        if fcntl is None:
            return -1, path
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        if _hold(descriptor) and path.exists():
            return descriptor, path
        os.close(descriptor)


def dead_temporaries(target: Path) -> Iterator[Path]:
    """Yield the temporary files and folders of ``target`` that dead processes left.

    Each is locked while the caller looks at it. No other process removes it, and no process that has just
    created one takes it for its own.
    """
    yield from _dead(target.parent, re.escape(target.name))


def _dead(folder: Path, name: str) -> Iterator[Path]:
    """Yield those in a folder whose target's name matches a pattern."""
    pattern = re.compile(rf"\.{name}\.[a-z0-9_]{{8}}\.tmp")
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if pattern.fullmatch(entry.name)]
    except OSError:
        return
    for path in found:
        descriptor = _take(path)
        if descriptor is not None:
            try:
                yield path
            finally:
                if descriptor >= 0:
                    os.close(descriptor)


def remove_dead_temporaries(target: Path) -> None:
    """Remove what `dead_temporaries` finds. What cannot be removed stays."""
    for path in dead_temporaries(target):
        remove_temporary(path)


def remove_all_dead_temporaries(folder: Path) -> None:
    """Remove everything that dead processes left in a folder that belongs to dropgan."""
    for path in _dead(folder, ".+"):
        remove_temporary(path)


def remove_temporary(path: Path) -> None:
    """Remove a temporary file or folder. What cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _name(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")


def _hold(descriptor: int) -> bool:
    """Lock a file of this process. On a file system without locks nobody cleans up either."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _take(path: Path) -> int | None:
    """Lock another process's file; None if that process lives or cannot be checked."""
    if fcntl is None:
        return -1  # what is open there cannot be removed
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
