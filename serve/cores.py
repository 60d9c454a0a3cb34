"""How many cores there are to use."""

import os

from .errors import InputError

MAX_THREADS = max(64, 4 * (os.cpu_count() or 1))
"""More threads than this only starve the machine, and thousands of them end the process."""


def usable_cores() -> int:
    """Cores that this process may use; containers and job systems often give fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_threads(threads: int | None, what: str = "threads") -> None:
    """Refuse a number of threads, or of processes, that this machine cannot bear; None is fine.

    Raises:
        InputError: It is not 1 to `MAX_THREADS`.
    """
    if threads is not None and not (isinstance(threads, int) and 1 <= threads <= MAX_THREADS):
        raise InputError(f"{what} must be 1 to {MAX_THREADS} on this machine, not {threads!r}")
