"""Temporary files and folders beside what they will become, of which a killed process leaves none for long.

Each is locked by the process that fills it (flock(2)); the system lets the lock go however the process
ends. Whoever writes the same output next removes those that nobody holds.
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
    """A new, empty file beside ``target``, locked; open for reading and writing.

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
    """A new, empty folder beside ``target``, locked; the descriptor (-1 on Windows) is to be closed.

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
    """Temporary files and folders of ``target`` that dead processes left, each locked while it is looked
    at, so that nobody else removes it and no process that has just made one takes it for its own."""
    yield from _dead(target.parent, re.escape(target.name))


def _dead(folder: Path, name: str) -> Iterator[Path]:
    """Those in a folder whose target's name is of a pattern."""
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
    """Remove what `dead_temporaries` finds; what cannot be removed stays."""
    for path in dead_temporaries(target):
        remove_temporary(path)


def remove_all_dead_temporaries(folder: Path) -> None:
    """Remove what dead processes left in a folder that is dropgan's own, whatever it was to become."""
    for path in _dead(folder, ".+"):
        remove_temporary(path)


def remove_temporary(path: Path) -> None:
    """Remove a temporary file or folder; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _name(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")


def _hold(descriptor: int) -> bool:
    """Lock a file of ours; where the file system has no locks, nobody tidies either."""
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
    """Lock somebody's file for ourselves; None where its process lives, or nobody can tell."""
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
