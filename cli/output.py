"""The output of commands: results on stdout, progress and messages on stderr."""

import shutil
import sys
import textwrap
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from dropgan.serve.parsing import json_text
from dropgan.serve.printable import printable

_SECONDS_BETWEEN_LINES = 10.0  # where stderr is a file or a pipe
_NARROWEST = 20  # columns that a text gets, however narrow the terminal is
_LEAST_SECONDS = 1.0  # before a rate is known


def say(message: str = "", *, quiet: bool = False) -> None:
    """Print a message to the user as one line, whatever the names in it contain."""
    if not quiet:
        print(printable(message), file=sys.stderr, flush=True)


def say_with_time(message: str, *, quiet: bool = False) -> None:
    """Print a message, with the time in front if it goes to a file or a pipe."""
    time_of_day = "" if sys.stderr.isatty() else time.strftime("%Y-%m-%d %H:%M:%S  ")
    say(time_of_day + message, quiet=quiet)


def result(message: str) -> None:
    """Print a line of the command's result."""
    print(printable(message), flush=True)


def result_row(name: str, text: str) -> None:
    """Print a row of a table. Wrapped text stays aligned with ``text`` in a narrow terminal.

    In a pipe or a file it is one line, so that it can be searched.
    """
    shown = printable(text)
    if sys.stdout.isatty():
        width = max(shutil.get_terminal_size().columns - len(name), _NARROWEST)
        wrapped = textwrap.wrap(shown, width, break_on_hyphens=False) or [""]
        shown = f"\n{'':<{len(name)}}".join(wrapped)
    print(printable(name) + shown, flush=True)


def result_text(text: str) -> None:
    """Print a result of several lines, such as a file's content."""
    for line in text.rstrip().split("\n"):
        result(line)


def result_json(value: Any) -> None:
    """Print the command's result for a program. Numbers that are not finite become null."""
    print(json_text(value, indent=1), flush=True)


class _TimeLeft(TimeRemainingColumn):
    """The remaining time: from the reporter if it has a time limit, otherwise estimated from the rate."""

    def render(self, task: Task) -> Text:
        end = task.fields["end"]
        if end is None or task.finished:
            return super().render(task)
        return Text(_clock(max(end - time.monotonic(), 0.0)), style="progress.remaining")


class ProgressBar:
    """A bar with remark and time left on a terminal; elsewhere occasional plain lines with the time."""

    def __init__(self, what: str, total: int, unit: str, *, done: int = 0, quiet: bool = False) -> None:
        self._what, self._total, self._unit, self._quiet = what, total, unit, quiet
        self._done = self._first = done
        self._started = self._spoken = time.monotonic()
        self._remark, self._unsaid = "", False
        self._end: float | None = None
        self._bar: Progress | None = None
        if not quiet and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn(what, markup=False),
                BarColumn(bar_width=None, table_column=Column(ratio=1)),
                MofNCompleteColumn(),
                # what is not as wide as it would like to be are the bar and this, never the figures
                TextColumn(
                    "{task.fields[remark]}",
                    markup=False,
                    table_column=Column(ratio=2, no_wrap=True, overflow="ellipsis"),
                ),
                _TimeLeft(elapsed_when_finished=True),
                console=Console(stderr=True),
                expand=True,
            )
            self._task = self._bar.add_task(what, total=total, completed=done, remark="", end=None)

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
        elif self._unsaid:
            self._say()

    def update(
        self, done: int, remark: str = "", *, total: int | None = None, left: float | None = None
    ) -> None:
        """Report the total amount done, and a remark.

        Args:
            done: Total amount done.
            remark: Further information, such as a loss.
            total: New total amount, if it has changed.
            left: Seconds until the end if there is a time limit; otherwise they are estimated.
        """
        self._done, self._remark, self._unsaid = done, remark, True
        self._total = self._total if total is None else total
        self._end = None if left is None else time.monotonic() + left
        if self._bar is not None:
            remark = f"{self._rate()} {remark}".strip()
            self._bar.update(self._task, total=self._total, completed=done, remark=remark, end=self._end)
        elif time.monotonic() - self._spoken > _SECONDS_BETWEEN_LINES:
            self._say()

    def say(self, message: str) -> None:
        """Print a line above the bar."""
        if self._bar is not None:
            self._bar.console.print(Text(printable(message)), soft_wrap=True)
        else:
            say_with_time(message, quiet=self._quiet)

    def _say(self) -> None:
        """Print the progress as a line, for a log."""
        self._spoken, self._unsaid = time.monotonic(), False
        per_second, seconds = self._per_second(), time.monotonic() - self._started
        if self._done >= self._total:
            end = f"in {_clock(seconds)}"
        elif self._end is not None:
            end = f"{_clock(max(self._end - time.monotonic(), 0.0))} left"
        else:
            end = f"{_clock((self._total - self._done) / per_second)} left" if per_second else ""
        parts = (f"{self._what} {self._done}/{self._total}", self._rate(), self._remark, end)
        say_with_time("  ".join(part for part in parts if part), quiet=self._quiet)

    def _per_second(self) -> float:
        """Return the rate, or 0 in the first moments, which are not representative."""
        seconds = time.monotonic() - self._started
        return (self._done - self._first) / seconds if seconds >= _LEAST_SECONDS else 0.0

    def _rate(self) -> str:
        rate = self._per_second()
        return f"{rate:,.0f} {self._unit}/s" if rate >= 10 else f"{rate:.2g} {self._unit}/s" if rate else ""


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if minutes >= 60 else f"{minutes}:{seconds:02}"
