"""Opening files of anyone: an ordinary one, or none."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_ordinary(path: Path) -> BinaryIO:
    """Open an ordinary file, or what a link to one names, for reading without a buffer.

    Raises:
        OSError: It cannot be read, or is a pipe, a socket or a device, which might keep its reader waiting
            for ever.
    """
    # the flag does nothing to an ordinary file
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = open(descriptor, "rb", buffering=0)  # noqa: SIM115, PTH123 - for the caller to close
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
    return file
