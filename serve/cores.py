"""How many cores there are to use."""

import os


def usable_cores() -> int:
    """Cores that this process may use; containers and job systems often give fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
