"""Sampling that can be stopped at any moment."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dropgan.serve.errors import DropganError


class _Interrupted(DropganError):
    """Sampling stopped on request."""

    exit_code = 130


@contextmanager
def stoppable(out: str | None) -> Iterator[None]:
    """Report Ctrl-C, a scheduler's SIGTERM or a closed terminal's SIGHUP in one line with exit code 130."""

    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # what nohup ignores stays ignored
    before = {
        number: signal.signal(number, stop)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    except KeyboardInterrupt as error:
        what = (
            f"the shards in {out} are complete; run the same command again to continue"
            if out
            else "nothing was left behind"
        )
        raise _Interrupted(f"stopped: {what}") from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
