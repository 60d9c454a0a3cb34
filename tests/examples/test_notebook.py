"""The notebook runs from top to bottom in a directory of its own.

Its cells are plain Python, so they are run as such: a kernel would bring a score of packages for eight
cells.
"""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook" / "array_to_samples.ipynb"

CHECKS = """
assert later_is_the_same is True
assert samples.shape == (8, 16, 16, 1) and samples.dtype == np.uint8
assert (run.path / "checkpoints" / "last.safetensors").exists()
"""


@pytest.fixture(scope="module")
def cells() -> list[dict[str, Any]]:
    document = json.loads(NOTEBOOK.read_text("utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) >= (4, 5)
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


@pytest.mark.timeout(600)
def test_the_notebook_runs(tmp_path: Path, cells: list[dict[str, Any]]) -> None:
    """A newcomer runs the cells in order; training is cut short here."""
    programs = ["".join(cell["source"]) for cell in cells]
    assert sum("steps=1500" in program for program in programs) == 1
    assert programs[-1].count("np.array_equal(") == 1
    programs[-1] = programs[-1].replace("np.array_equal(", "later_is_the_same = np.array_equal(")
    program = "\n\n".join(programs).replace("steps=1500", "steps=60")
    answer = subprocess.run(
        [sys.executable, "-c", program + CHECKS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "training 60/60 D " in answer.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"discs", "discs.onnx"}


def test_the_notebook_shows_what_its_cells_gave(cells: list[dict[str, Any]]) -> None:
    """Read without being run, it shows pictures; a cell with a value at its end has an output."""
    for cell in cells:
        ends_with_a_value = isinstance(ast.parse("".join(cell["source"])).body[-1], ast.Expr)
        shown = [output for output in cell["outputs"] if output["output_type"] == "execute_result"]
        assert bool(shown) == ends_with_a_value
    pictures = [
        output for cell in cells for output in cell["outputs"] if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 2
    assert cells[-1]["outputs"][0]["data"]["text/plain"] == ["True"]
