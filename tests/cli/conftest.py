"""The command line, called in this process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from dropgan.cli.main import main


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Dropgan = Callable[..., Answer]


@pytest.fixture
def dropgan(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Dropgan:
    """Run ``dropgan ARGUMENTS`` and give its answer."""

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["dropgan", *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        out, err = capfd.readouterr()
        return Answer(code, out, err)

    return run
