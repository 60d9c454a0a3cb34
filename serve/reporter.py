"""How the library speaks while it works: to whoever asked, else to Python's logging."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_log = logging.getLogger("dropgan")


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is."""

    activity: str
    """What is being done: ``training``, ``reading images``."""
    done: int
    """How much of it is done."""
    total: int
    """How much there is."""
    unit: str
    """What is counted, in the plural: ``steps``."""
    detail: str = ""
    """What else is worth a glance: losses, a score."""
    left: float | None = None
    """Seconds until it ends, where it was given a time."""


def _ignore(_: Any) -> None:
    pass


@dataclass(frozen=True)
class Reporter:
    """Who is told what is being done, and what is worth knowing about it.

    One object serves for reading data, training, exporting, sampling and evaluating. By default
    remarks go to the logger ``dropgan``; progress and metrics go nowhere.
    """

    progress: Callable[[Progress], None] = _ignore
    """How far a piece of work is; work that takes seconds tells it many times."""
    say: Callable[[str], None] = _log.info
    """What begins now."""
    note: Callable[[str], None] = _log.warning
    """What should not be overlooked: samples that are left out, a run that was rolled back."""
    metrics: Callable[[dict[str, Any]], None] = _ignore
    """Each line of metrics.jsonl as training writes it; docs/training.md lists what is in one."""


SILENT = Reporter(say=_ignore, note=_ignore)
"""Tells nobody."""
LOGGED = Reporter()
"""Remarks to the logger ``dropgan``, and no more."""
