"""What docs/training.md shows as a program runs."""

import re
from pathlib import Path

import pytest

import dropgan.train
from dropgan.train import LOSSES, Recipe, RunDirectory, change_recipe, train
from dropgan.train.networks import ARCHITECTURES

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("program", PROGRAMS, ids=[re.findall(r"class (\w+)", text)[-1] for text in PROGRAMS])
def test_programs_of_the_page(
    program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image_file: Path
) -> None:
    """A reader copies them; here they train two steps on few images."""
    for registry in (LOSSES, ARCHITECTURES):
        monkeypatch.setattr(registry, "_things", dict(registry._things))
    runs: list[RunDirectory] = []

    def short(directory: str, recipe: Recipe) -> None:
        recipe = change_recipe(recipe, {"training.steps": 2, "training.batch_size": 8})
        machine = {"device": "cpu", "precision": "fp32", "threads": 1}
        runs.append(train(tmp_path / directory, recipe, data=str(image_file), **machine))

    monkeypatch.setattr(dropgan.train, "train", short)
    exec(compile(program, str(PAGE), "exec"), {})
    assert [run.read_metrics()[-1]["step"] for run in runs] == [2]
