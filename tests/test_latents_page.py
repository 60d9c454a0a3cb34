"""docs/latents.md is a specification: its programs give the golden values."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "latents.md"


def _golden(name: str) -> Any:
    return json.loads((ROOT / "tests" / "golden" / name).read_text("utf-8"))


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's programs define, run from top to bottom as one script."""
    programs = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile("\n".join(programs), str(PAGE), "exec"), names)
    return names


def test_seeds(page: dict[str, Any]) -> None:
    """A runtime written from the page would give other pictures for a seed that is a word."""
    assert [(case["text"], str(page["seed_number"](case["text"]))) for case in _golden("seeds.json")] == [
        (case["text"], case["seed"]) for case in _golden("seeds.json")
    ]


def test_latents(page: dict[str, Any]) -> None:
    """A runtime written from the page would draw other latents."""
    vectors = _golden("latents.json")
    for case in vectors["cases"]:
        seed, start, dim = int(case["seed"]), int(case["start"]), case["dim"]
        made = [number for i in range(case["count"]) for number in page["latent"](seed, start + i, dim)]
        assert len(made) == len(case["latents"])
        assert made == pytest.approx(case["latents"], rel=0, abs=vectors["tolerance"])


def test_drawn_labels(page: dict[str, Any]) -> None:
    """A runtime written from the page would draw other classes."""
    for case in _golden("labels.json")["cases"]:
        seed, start, counts = int(case["seed"]), int(case["start"]), case["counts"]
        places = range(start, start + len(case["labels"]))
        assert [page["drawn_place"](seed, i, case["classes"], counts) for i in places] == case["labels"]


def test_classes(page: dict[str, Any]) -> None:
    """A runtime written from the page would take another class, or one that must be refused."""
    for model in _golden("classes.json")["models"]:
        numbers = model.get("numbers") or (
            page["class_numbers"](model["names"]) if model["names"] else list(range(model["classes"]))
        )
        assert numbers == model["known"]
        for asked, place in model["asked"]:
            assert page["class_place"](asked, numbers, model["names"]) == place, (model["names"], asked)
