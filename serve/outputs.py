"""Check that an output can be written before the work that makes it."""

import os
import re
import stat
import tempfile
from pathlib import Path

from .errors import OutputError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # of two letters or more: one is a drive of Windows'


def local_path(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` as a path of the file system.

    Raises:
        OutputError: It is an address such as ``s3://bucket/name``, for which the file system would create
            a folder called ``s3:``.
    """
    text = os.fspath(path)
    if _SCHEME.match(text):
        raise OutputError(
            f"{text} is an address, but dropgan writes files: write to a local path and copy the result"
        )
    return Path(path)


def require_replaceable(path: Path) -> None:
    """Refuse to replace anything but an ordinary file.

    Raises:
        OutputError: ``path`` is a directory, a link, a device, a pipe or a socket.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    if stat.S_ISDIR(mode):
        raise OutputError(f"cannot write {path}: it is a directory; name a file in it")
    if stat.S_ISLNK(mode):
        raise OutputError(f"cannot write {path}: it is a link; name the file itself, or remove the link")
    if not stat.S_ISREG(mode):
        raise OutputError(f"cannot write {path}: it is a device, pipe or socket; name an ordinary file")


def require_writable(path: Path | str, *, directory: bool = False) -> None:
    """Refuse a path that cannot be written, before hours of work for it.

    The check creates and removes a temporary file beside the output, as the write itself will. Missing
    directories are created later, so the nearest existing one is checked instead.

    Args:
        path: The file that will be written, or a directory that will be filled.
        directory: True if ``path`` is a directory.

    Raises:
        OutputError: Nothing can be written there (no permission, a file in the way of a directory or the
            other way round, a link or device, an address, a name that is too long).
    """
    path = local_path(path)
    try:
        if directory and path.exists() and not path.is_dir():
            raise OutputError(f"cannot write into {path}: it is a file, not a directory")
        if not directory:
            require_replaceable(path)
        place = path if directory else path.parent
        missing = ""
        while not place.exists():
            missing, place = place.name, place.parent
        name = missing or path.name
        handle, made = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=place)
        os.close(handle)
        Path(made).unlink()
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise OutputError(f"cannot write {str(path)!r}: {error}") from error
