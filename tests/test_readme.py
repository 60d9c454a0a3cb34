"""Every command and program in the documentation runs as it stands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_FAST = ["--steps", "20", "--threads", "1", "--precision", "fp32"]
_FAST += ["--set", "generator.hidden=[8, 4]", "--set", "discriminator.hidden=[4, 8]"]
SHORTENED = {
    "run": [*_FAST, "--score-samples", "500"],
    "train": [*_FAST, "--no-score"],
    "export": ["--no-score"],
    "evaluate": ["-n", "500"],
}


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.timeout(600)  # a chain of a dozen commands
def test_readme(tmp_path: Path) -> None:
    """A reader types these lines in this order; what takes long is cut short here."""
    text = (ROOT / "README.md").read_text()
    lines = [line for block in _blocks(text, "bash") for line in block.strip().splitlines()]
    assert len(lines) >= 7
    for line in lines:
        program, *arguments = shlex.split(line, comments=True)
        assert program == "dropgan"
        arguments += SHORTENED.get(arguments[0], [])
        _run(str(Path(sys.executable).parent / "dropgan"), *arguments, cwd=tmp_path)
    programs = _blocks(text, "python")
    assert programs
    for program in programs:
        _run(sys.executable, "-c", program, cwd=tmp_path)


def _run(*command: str, cwd: Path) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert answer.returncode == 0, f"{command}\n{answer.stderr}"


@pytest.mark.parametrize(
    "document", sorted(["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
)
def test_links_lead_somewhere(document: str) -> None:
    """A moved file must not leave dead links behind."""
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), f"{document} links to {target}"
