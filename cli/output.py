"""How commands speak: results on stdout, progress and remarks on stderr."""

import json
import sys
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from dropgan.serve.printable import printable

_SECONDS_BETWEEN_LINES = 10.0  # where stderr is a file or a pipe


def say(message: str = "", *, quiet: bool = False) -> None:
    """A remark for the person at the terminal: one line, whatever the names in it hold."""
    if not quiet:
        print(printable(message), file=sys.stderr, flush=True)


def result(message: str) -> None:
    """A line of the command's result."""
    print(printable(message), flush=True)


def result_text(text: str) -> None:
    """A result of several lines, such as a file's content."""
    for line in text.rstrip().split("\n"):
        result(line)


def result_json(value: Any) -> None:
    """The command's result for a program."""
    print(json.dumps(value, indent=1), flush=True)


class ProgressBar:
    """A bar with rate, remark and time left on a terminal; plain lines now and then elsewhere."""

    def __init__(self, what: str, total: int, unit: str, *, done: int = 0, quiet: bool = False) -> None:
        self._what, self._total, self._unit, self._quiet = what, total, unit, quiet
        self._done = self._first = done
        self._started = time.monotonic()
        self._spoken = 0.0
        self._bar: Progress | None = None
        if not quiet and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn(what),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[remark]}"),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(what, total=total, completed=done, remark="")

    def __enter__(self) -> "ProgressBar":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, remark: str = "") -> None:
        """Report how much is done in all, and anything worth saying beside it."""
        self._done = done
        now = time.monotonic()
        rate = (done - self._first) / max(now - self._started, 1e-9)
        text = f"{rate:,.0f} {self._unit}/s {remark}".rstrip()
        if self._bar is not None:
            self._bar.update(self._task, completed=done, remark=text)
        elif not self._quiet and (now - self._spoken > _SECONDS_BETWEEN_LINES or done == self._total):
            self._spoken = now
            left = (self._total - done) / rate if rate else 0.0
            say(f"{self._what} {done}/{self._total}  {text}  {_clock(left)} left")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if minutes >= 60 else f"{minutes}:{seconds:02}"
