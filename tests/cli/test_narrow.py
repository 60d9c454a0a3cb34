"""Tables of results on a terminal of 80 columns, and in a pipe."""

import io
import sys

import pytest

from dropgan.cli.output import result_row

TEXT = "not to choose from; the data has T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Bag"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_value_stays_in_its_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal breaks a long line anywhere and goes on at its left edge, among the names."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", shown := _Terminal())
    result_row("  classes        ", TEXT)
    lines = shown.getvalue().splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith(" " * 17)
    assert " ".join(shown.getvalue().split()) == "classes " + TEXT


def test_a_pipe_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is searched and cut by other programs has no breaks."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", shown := io.StringIO())
    result_row("  classes        ", TEXT)
    assert shown.getvalue() == f"  classes        {TEXT}\n"


def test_a_strangers_name_cannot_break_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Escapes come before wrapping."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", shown := _Terminal())
    result_row("name ", "a\nerror: forged\x1b[2J")
    assert shown.getvalue() == "name a\\nerror: forged\\x1b[2J\n"
