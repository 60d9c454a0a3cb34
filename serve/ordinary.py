"""Open untrusted paths only if they name an ordinary file."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_ordinary(path: Path) -> BinaryIO:
    """Open an ordinary file, or the one that a link names, for unbuffered reading.

    Raises:
        OSError: It cannot be read, or it is a pipe, a socket or a device, which could block the reader for
            ever.
    """
    # the flag does nothing to an ordinary file
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = open(descriptor, "rb", buffering=0)  # noqa: SIM115, PTH123 - for the caller to close
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not an ordinary file", str(path))
    return file


MOST_TEXT = 4 * 2**20
"""Bytes of a text that a person wrote; more is another file under its name."""


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """Return the content of a text file.

    Raises:
        OSError: It cannot be read, is not an ordinary file, or is larger than ``most`` bytes.
        UnicodeDecodeError: It is not UTF-8.
    """
    with open_ordinary(path) as file:
        content = file.read(most + 1)
        while len(content) <= most and (more := file.read(most + 1 - len(content))):
            content += more
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most >> 20} MB", str(path))
    return content.decode("utf-8")
