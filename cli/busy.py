"""Whether a command will have to wait for processors that others use."""

import os

from dropgan.serve.reporter import Reporter

_BUSY = 1.5  # programs a processor, the mean of the last minute


def note_if_busy(reporter: Reporter) -> None:
    """Say so where a machine is busy: minutes become quarters of an hour, and nothing else would tell why."""
    if not hasattr(os, "getloadavg"):  # Windows
        return
    load, processors = os.getloadavg()[0], _processors()
    if load > _BUSY * processors:
        reporter.note(
            f"the machine is busy: {load:.0f} programs want its {processors} processor"
            f"{'s' if processors > 1 else ''}, so this may take {load / processors:.0f} times as long"
        )


def _processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
