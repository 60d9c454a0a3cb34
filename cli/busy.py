"""Warn if a command must share processors that other programs use."""

import os
from dataclasses import replace

from dropgan.serve.reporter import Progress, Reporter

_BUSY = 1.5  # programs a processor, the mean of the last minute


def noting_busy(reporter: Reporter) -> Reporter:
    """Return a reporter that reports a busy machine when work begins.

    On a busy machine minutes become quarters of an hour without any other sign of the reason. A command that
    is refused reports nothing.
    """
    begun = False

    def progress(how_far: Progress) -> None:
        nonlocal begun
        if not begun:
            begun = True
            _note_if_busy(reporter)
        reporter.progress(how_far)

    return replace(reporter, progress=progress)


def _note_if_busy(reporter: Reporter) -> None:
    if not hasattr(os, "getloadavg"):  # Windows
        return
    load, processors = os.getloadavg()[0], _processors()
    if load > _BUSY * processors:
        reporter.note(
            f"the machine is busy: {load:.0f} processes share {processors} processor"
            f"{'s' if processors > 1 else ''}, so this may take {load / processors:.0f} times as long"
        )


def _processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
