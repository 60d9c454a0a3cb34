"""The number of usable CPU cores."""

import os

from .errors import InputError

MAX_THREADS = max(64, 4 * (os.cpu_count() or 1))
"""The maximum. More threads only slow the machine down, and thousands of them crash the process."""


def usable_cores() -> int:
    """Return the number of cores that this process may use. Containers and job systems often allow fewer than
    exist.
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_threads(threads: int | None, what: str = "threads") -> None:
    """Refuse a number of threads or processes that this machine cannot handle. None is accepted.

    Raises:
        InputError: The number is not 1 to `MAX_THREADS`.
    """
    if threads is not None and not (isinstance(threads, int) and 1 <= threads <= MAX_THREADS):
        raise InputError(f"{what} must be 1 to {MAX_THREADS} on this machine, not {threads!r}")
