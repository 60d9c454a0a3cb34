"""Every program of docs/python.md runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


@pytest.mark.timeout(600)
def test_python_page(tmp_path: Path) -> None:
    """A reader pastes the page from top to bottom into one session; what takes long is cut short here."""
    programs = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert len(programs) >= 5
    checks = [
        "assert samples.shape == (64, 28, 28, 1)",
        "assert losses and losses[-1]['step'] == 20",
    ]
    program = "\n".join([*programs, *checks]).replace("steps=200", "steps=20")
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert answer.returncode == 0, answer.stderr
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"a", "b", "c", "d"}
    assert (tmp_path / "everything" / "report.html").exists()
