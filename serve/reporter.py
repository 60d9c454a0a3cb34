"""How the library reports while it works: to the caller's reporter, or to Python's logging."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_log = logging.getLogger("dropgan")


@dataclass(frozen=True)
class Progress:
    """Progress of a piece of work."""

    activity: str
    """Name of the work: ``training``, ``reading images``."""
    done: int
    """Amount done."""
    total: int
    """Total amount."""
    unit: str
    """Unit of the amounts, in the plural: ``steps``."""
    detail: str = ""
    """Further information, such as losses or a score."""
    left: float | None = None
    """Seconds until the end, if the work has a time limit."""


def _ignore(_: Any) -> None:
    pass


@dataclass(frozen=True)
class Reporter:
    """Receives progress, messages and metrics.

    The same object works for reading data, training, exporting, sampling and evaluating. By default
    messages go to the logger ``dropgan``; progress and metrics are dropped.
    """

    progress: Callable[[Progress], None] = _ignore
    """Called with the progress of work that takes seconds, many times."""
    say: Callable[[str], None] = _log.info
    """Called with a message when a step begins."""
    note: Callable[[str], None] = _log.warning
    """Called with messages that you should see: samples left out, a run rolled back."""
    metrics: Callable[[dict[str, Any]], None] = _ignore
    """Called with each line of metrics.jsonl as training writes it; see docs/training.md."""


SILENT = Reporter(say=_ignore, note=_ignore)
"""Discards everything."""
LOGGED = Reporter()
"""Sends messages to the logger ``dropgan`` and discards the rest."""
