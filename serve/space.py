"""Check that an output fits on the disk before the work that makes it."""

import shutil
from pathlib import Path

from .errors import OutputError

PROBE = 256
"""Samples that are written to see how large they get."""
CERTAIN = 0.9
"""Share of the estimated size that must fit: other samples may be a little smaller."""


def free_bytes(path: Path) -> int:
    """Return the free bytes below ``path``, measured at the nearest directory that exists."""
    place = path.absolute()
    while not place.is_dir() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def require_room(path: Path, needed: float, what: str) -> None:
    """Refuse an output that does not fit.

    Args:
        path: The file, or the directory that will be filled.
        needed: Size in bytes.
        what: What needs the space, for the message.

    Raises:
        OutputError: There is less free space.
    """
    free = free_bytes(path)
    if needed > free:
        raise OutputError(
            f"{what} take {in_words(needed)}, but only {in_words(free)} are free at {path}: make fewer"
            " (-n), or use another disk"
        )


def in_words(size: float) -> str:
    """Return a number of bytes in a readable unit."""
    power = min(5, max(0, (len(str(int(size))) - 1) // 3))
    return f"{size / 1000**power:,.1f} {('bytes', 'kB', 'MB', 'GB', 'TB', 'PB')[power]}"
