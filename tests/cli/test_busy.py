"""What a command says where others use the processors."""

import pytest

from dropgan.cli.busy import noting_busy
from dropgan.serve.reporter import Progress, Reporter


def _said(monkeypatch: pytest.MonkeyPatch, load: float, processors: int) -> list[str]:
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(processors)))
    said: list[str] = []
    reporter = noting_busy(Reporter(note=said.append))
    assert not said  # a command that is refused says nothing else
    for done in range(3):
        reporter.progress(Progress("training", done, 3, "steps"))
    return said


def test_a_busy_machine_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo took 14 minutes in place of 2, and nobody could know what it waited for."""
    (said,) = _said(monkeypatch, 12.2, 2)
    assert "12 processes share 2 processors" in said
    assert "6 times as long" in said
    assert not _said(monkeypatch, 2.0, 2)
    assert not _said(monkeypatch, 12.2, 16)
