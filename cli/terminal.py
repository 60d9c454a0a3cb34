"""Show the library's reports on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from dropgan.serve.reporter import SILENT, Progress, Reporter

from .output import ProgressBar, say_with_time


@contextmanager
def terminal(*, quiet: bool = False) -> Iterator[Reporter]:
    """Return a reporter that shows a bar for the current work and a line for each message, on stderr."""
    if quiet:
        yield SILENT
        return
    shown = _Shown()
    try:
        yield Reporter(
            progress=shown.progress,
            say=shown.say,
            note=lambda message: shown.say(f"note: {message}"),
        )
    finally:
        shown.close()


class _Shown:
    """The bar of the current activity, if there is one."""

    def __init__(self) -> None:
        self._bar: ProgressBar | None = None
        self._last = Progress("", 0, 0, "")
        self._over = False

    def progress(self, progress: Progress) -> None:
        last, self._last = self._last, progress
        changes = progress.total != last.total and progress.left is None
        goes_on = progress.activity == last.activity and not changes
        if self._bar is None or not goes_on:
            self.close()
            self._bar = ProgressBar(progress.activity, progress.total, progress.unit, done=progress.done)
            self._bar.__enter__()
        self._bar.update(progress.done, progress.detail, total=progress.total, left=progress.left)
        self._over = progress.done >= progress.total

    def say(self, message: str) -> None:
        if self._over:
            self.close()
        if self._bar is None:
            say_with_time(message)
        else:
            self._bar.say(message)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar, self._over = None, False
