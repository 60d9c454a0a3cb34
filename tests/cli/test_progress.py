"""Progress on a terminal of 80 columns, and in a log."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time

import pytest

from dropgan.cli.output import ProgressBar
from dropgan.cli.terminal import terminal
from dropgan.serve.reporter import Progress

_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  "
_SHOWN = """
import time
from dropgan.cli.terminal import terminal
from dropgan.serve.reporter import Progress
with terminal() as reporter:
    for done in range(0, 30001, 5000):
        detail = "D 1.242 G 1.008 frechet_distance_domain 123.45" if done else ""
        reporter.progress(Progress("training", done, 60000, "steps", detail))
        time.sleep(0.4)
    reporter.note("a [remark] above the bar")
"""


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_the_figures_are_seen_at_80_columns() -> None:
    """A long score took the place of steps and time left, for which one looks at the bar."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", _SHOWN], stderr=theirs, env=environment | {"TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # Linux says so at the end
        pass
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    frames = [line for line in lines if line.startswith("training")]
    assert any("30000/60000" in line and re.search(r"\d+:\d\d:\d\d", line) for line in frames), frames
    assert all(re.search(r"\d+/60000", line) for line in frames)
    assert any("steps/s D 1.242" in line for line in frames)
    assert max(map(len, lines)) <= 80
    assert "note: a [remark] above the bar" in lines


def test_a_rate_is_not_told_before_it_is_known(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """2,544,125 images/s after the first moment, and 0 samples/s with 0:00 left, were no information."""
    with ProgressBar("reading images", 50_000, "images") as bar:
        clock.now += 0.001
        bar.update(5000)
        clock.now += 11
        bar.update(5000)
        clock.now += 11
        bar.update(10_000)
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(_TIME + "reading images 5000/50000  455 images/s  1:39 left", first)
    assert re.fullmatch(_TIME + "reading images 10000/50000  455 images/s  1:28 left", second)
    with ProgressBar("sampling", 100, "samples", done=40) as bar:
        clock.now += 11
        bar.update(40)
    assert re.fullmatch(_TIME + "sampling 40/100", capsys.readouterr().err.rstrip())


def test_a_slow_rate_has_digits(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """One step in eight seconds is not 0 steps/s."""
    with ProgressBar("training", 100, "steps") as bar:
        clock.now += 16
        bar.update(2)
    assert "0.12 steps/s  13:04 left" in capsys.readouterr().err


def test_lines_of_a_log(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has the time, the last one says how long it took, and what is quick takes one line."""
    with terminal() as reporter:
        reporter.say("recipe mlp")
        for done in range(0, 101, 25):
            reporter.progress(Progress("training", done, 100, "steps", f"D {done}"))
            clock.now += 4
        reporter.progress(Progress("training", 100, 100, "steps", "D 100 score 7"))
        reporter.say("exporting")
        reporter.progress(Progress("sampling", 10, 10, "samples"))
    with terminal(quiet=True) as reporter:
        reporter.say("nothing")
        reporter.progress(Progress("training", 1, 2, "steps"))
    lines = capsys.readouterr().err.splitlines()
    assert [re.sub(_TIME, "", line) for line in lines] == [
        "recipe mlp",
        "training 75/100  6.2 steps/s  D 75  0:04 left",
        "training 100/100  5 steps/s  D 100 score 7  in 0:20",
        "exporting",
        "sampling 10/10  in 0:00",
    ]
    assert all(re.match(_TIME, line) for line in lines)


def test_a_run_that_was_given_a_time_counts_down_to_it(
    clock: Clock, capfd: pytest.CaptureFixture[str]
) -> None:
    """The rate of the first steps said three hours of a run of ten minutes; and a number of steps that
    is fitted anew must not begin another bar."""
    with terminal() as reporter:
        for done, total, left in ((0, 6000, 600.0), (10, 6000, 540.0), (300, 900, 61.0), (900, 900, 1.0)):
            clock.now += 60
            reporter.progress(Progress("training", done, total, "steps", "", left))
    lines = capfd.readouterr().err.splitlines()
    assert [re.sub(_TIME, "", line) for line in lines] == [
        "training 10/6000  0.17 steps/s  9:00 left",
        "training 300/900  2.5 steps/s  1:01 left",
        "training 900/900  5 steps/s  in 3:00",
    ]
