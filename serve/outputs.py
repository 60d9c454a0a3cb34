"""Whether an output can be written, asked before the work that makes it."""

import os
import tempfile
from pathlib import Path

from .errors import OutputError


def require_writable(path: Path | str, *, directory: bool = False) -> None:
    """Refuse a place that cannot be written, before hours go into what would be written there.

    What is tried is what will be done: a temporary file beside the output, gone at once. Directories
    that are missing are made later, so the nearest one that exists stands for them.

    Args:
        path: The file that will be written, or a directory that will be filled.
        directory: Whether it is a directory.

    Raises:
        OutputError: Nothing can be written there (no permission, a file in the way of a directory or the
            other way round, a name that is too long).
    """
    path = Path(path)
    try:
        if directory and path.exists() and not path.is_dir():
            raise OutputError(f"cannot write into {path}: it is a file, not a directory")
        if not directory and path.is_dir():
            raise OutputError(f"cannot write {path}: it is a directory, name a file in it")
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
