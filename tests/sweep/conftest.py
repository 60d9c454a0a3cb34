"""Sweeps of tests draw no pictures: of ten trials that would be most of the time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dropgan.sweep import calls
from dropgan.train.monitor import monitor


@pytest.fixture(autouse=True, scope="package")
def _undrawn() -> Iterator[None]:
    """Curves and animation of each run, and the report, which tests/sweep/test_report.py looks at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(monitor, "write_curves", lambda run: _touch(run.curves_file))
        patch.setattr(monitor, "write_animation", lambda run, step: None)
        patch.setattr(calls, "write_report", lambda results: None)
        yield


def _touch(path: Path) -> None:
    path.touch()
