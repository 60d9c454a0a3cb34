"""What is shown to users is imported from where dropgan says that its names are public."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWN = [
    *(ROOT / "examples").rglob("*.py"),
    *(ROOT / "docs").glob("*.md"),
    ROOT / "README.md",
    ROOT / "export" / "package" / "module.py.txt",
]
PAGES = [path.relative_to(ROOT).as_posix() for path in SHOWN if "import" in path.read_text()]


def _programs(text: str, name: str) -> list[str]:
    if name.endswith(".md"):
        return re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [re.sub(r"@(\w+)@", r"\1", text)]  # of the wheel's template, what is filled in later


@pytest.mark.parametrize("page", sorted(PAGES))
def test_only_public_names_are_imported(page: str) -> None:
    """A reader copies what stands there; a name outside __all__ may be gone in the next release."""
    for program in _programs((ROOT / page).read_text(), page):
        for node in ast.walk(ast.parse(program)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dropgan":
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    assert alias.name in module.__all__, f"{page}: {node.module}.{alias.name}"
                    assert hasattr(module, alias.name)


def test_public_names_exist() -> None:
    """A name in __all__ that is not there breaks `from dropgan.serve import *`."""
    for name in ("dropgan", "dropgan.serve", "dropgan.serve.batch", "dropgan.train", "dropgan.export"):
        module = importlib.import_module(name)
        assert all(hasattr(module, public) for public in module.__all__), name
    evaluate = importlib.import_module("dropgan.evaluate")
    assert all(hasattr(evaluate, public) for public in evaluate.__all__)
