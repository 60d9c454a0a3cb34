"""The documentation site builds, and no link in it or beside it leads nowhere."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "examples").rglob("*.md")])


@pytest.mark.skipif(find_spec("mkdocstrings") is None, reason="mkdocs and mkdocstrings are not installed")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """A dead link, a page that the menu lacks, or a docstring that cannot be read is an error here."""
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        cwd=REPOSITORY, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    page = (tmp_path / "api" / "serve.html").read_text("utf-8")
    assert 'id="dropgan.serve.Generator.sample"' in page
    loaded = re.findall(r'(?:src|rel="stylesheet" href)="(https?:[^"]*)"', page)
    assert not loaded, "a page of the documentation loads from other hosts"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_links_beside_the_site(page: Path) -> None:
    """README and its like are read in the repository, where nothing else checks their links."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [
        target
        for target in targets
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists()
    ]
    assert not missing
