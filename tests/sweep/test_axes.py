"""What a sweep refuses before anything trains, and how values are spelt."""

from pathlib import Path
from typing import Any

import pytest

from dropgan.serve.errors import DropganError
from dropgan.sweep import SweepError
from dropgan.sweep.axes import described_all, parse_axes

from .small import small_sweep


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0,0.1", (0, 0.1)),
        (" 1e-3 , 2e-3 ", (1e-3, 2e-3)),
        ("[16,16],[32]", ([16, 16], [32])),
        ("hinge,non-saturating", ("hinge", "non-saturating")),
        ('"a,b",c', ("a,b", "c")),
        ("true,false", (True, False)),
    ],
)
def test_values_are_read(text: str, values: tuple[Any, ...]) -> None:
    """Commas inside a value belong to it."""
    assert parse_axes({"x.y": text}) == {"x.y": values}


@pytest.mark.parametrize(
    ("axes", "named"),
    [
        ({}, "nothing varies"),
        ({"generator.dropout": ""}, "needs values"),
        ({"generator.dropout": "0,,1"}, "needs values"),
        ({"generator.dropout": []}, "needs values"),
        ({"generator.dropuot": "0,0.1"}, "did you mean generator.dropout?"),
        ({"dropout": "0,0.1"}, "there is no setting dropout"),
        ({"generator": "0,1"}, "generator is a table"),
        ({"training.seed": "0,1"}, "--seeds"),
        ({"data.size": "8,16"}, "only data.limit"),
        ({"data.limit": "10,many"}, "must be a number of samples"),
        ({"data.limit": "10,100000"}, "has 200 samples"),
        ({"generator.dropout": "0,0.0"}, "has a value twice"),
        ({"generator.dropout": "0,1.5"}, "generator.dropout=1.5: generator.dropout: Input should be less"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, image_file: Path, axes: dict[str, Any], named: str) -> None:
    """One line that says what is wrong, exit code 2, and nothing left behind."""
    with pytest.raises(DropganError) as error:
        small_sweep(tmp_path / "sweep", str(image_file), axes)
    assert named in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    assert not (tmp_path / "sweep").exists()


def test_every_combination_that_is_refused_is_named(tmp_path: Path, image_file: Path) -> None:
    """Found one after the other, after hours each, they would cost days."""
    axes = {
        "generator.normalisation": "none,batch",
        "generator.dropout": "0,0.1,0.3",
        "training.loss": "hinge,wasserstein",
    }
    with pytest.raises(SweepError) as error:
        small_sweep(tmp_path / "sweep", str(image_file), axes)
    said = str(error.value)
    assert "generator.normalisation=batch generator.dropout=0.1,0.3 training.loss=hinge: batch norm" in said
    assert "of 12 combinations cannot be trained" in said
    assert not (tmp_path / "sweep").exists()


def test_combinations_are_named_in_few_words() -> None:
    """A hundred that share a value are named by it; others one by one."""
    axes = {"a": (1, 2), "b": (3, 4, 5)}
    some = [{"a": a, "b": b} for a in (1, 2) for b in (3, 4)]
    assert described_all(some, axes) == "b=3,4"
    assert described_all([{"a": 1, "b": 3}, {"a": 2, "b": 4}], axes) == "a=1 b=3; a=2 b=4"


def test_values_of_any_text_have_directories(tmp_path: Path, image_file: Path) -> None:
    """Brackets and commas are no part of a directory's name, which stays one of its own."""
    results = small_sweep(
        tmp_path / "sweep",
        str(image_file),
        {"generator.hidden": "[8],[8,8],[8,16]"},
        settings={"training.steps": 2},
    )
    names = [trial.name for trial, _ in results.trials]
    assert len(set(names)) == 3
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.=_-") for name in names)
    assert names[0] == "generator.hidden=-8-_" + names[0].split("_")[1] + "_seed=0"
