"""Write files and folders completely or not at all."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import OutputError
from .outputs import local_path, require_replaceable
from .temporary import (
    dead_temporaries,
    open_temporary_file,
    open_temporary_folder,
    remove_dead_temporaries,
    remove_temporary,
)


@contextmanager
def atomic_file(path: Path | str) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces ``path`` when the block ends without an error.

    The data is flushed to disk before the rename, and the directory after it, so a crash or a power cut
    leaves either the old file or the new one. If the block raises, ``path`` is unchanged and the temporary
    file is removed. The next process that writes the same file removes what a killed process left behind.

    Args:
        path: The file to write; missing parent directories are made.

    Yields:
        A binary file open for reading and writing.

    Raises:
        OutputError: The file cannot be written (no permission, no space), or ``path`` is a directory,
            link, device or pipe, or an address.
    """
    path = local_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        require_replaceable(path)
        remove_dead_temporaries(path)
        handle, temporary = open_temporary_file(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise OutputError(f"cannot write {str(path)!r}: {error}") from error
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name != "nt":
                temporary.replace(path)  # while it is locked: nobody takes it for a dead process's
        if os.name == "nt":
            temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Flush a directory's entries to disk, if the platform can open a directory."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems refuse; the rename is still atomic
    finally:
        os.close(descriptor)


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write ``data`` to ``path``, completely or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_file(path) as file:
        file.write(data)


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, completely or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    write_bytes(path, text.encode())


def write_folder(path: Path | str, files: Mapping[str, bytes]) -> None:
    """Write a folder of these files (relative name to content), replacing any folder of that name.

    The folder is filled under a temporary name. Between the two renames there is briefly no folder at
    ``path``. If the process is killed then, the old folder is still beside it, and the next write puts it
    back first.

    Raises:
        OutputError: The folder cannot be written.
    """
    folder = local_path(path)
    try:
        folder = folder.resolve()  # a link to a folder stays one
        folder.parent.mkdir(parents=True, exist_ok=True)
        for dead in dead_temporaries(folder):
            if (dead / "old").is_dir() and not folder.exists():
                (dead / "old").rename(folder)
            remove_temporary(dead)
        handle, scratch = open_temporary_folder(folder)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    new, old = scratch / "new", scratch / "old"
    try:
        for name, content in sorted(files.items()):
            write_bytes(new / name, content)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        sync_directory(folder.parent)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if old.is_dir() and not folder.exists():
            with suppress(OSError):
                old.rename(folder)
        if folder.exists() or not old.exists():
            remove_temporary(scratch)
        if handle >= 0:
            os.close(handle)
