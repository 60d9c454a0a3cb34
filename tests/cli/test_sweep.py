"""`dropgan sweep` at the command line."""

import json
from pathlib import Path

import pytest

from .conftest import Dropgan

SMALL = [
    *("--recipe", "mlp", "--steps", "4", "--device", "cpu", "--precision", "fp32", "--threads", "1"),
    *("--set", "generator.hidden=[8]", "--set", "discriminator.hidden=[8]", "--set", "training.batch_size=4"),
]


def test_a_grid_is_swept(dropgan: Dropgan, tmp_path: Path, image_file: Path) -> None:
    """One command, and the same again: a table, where everything is, and what to do next."""
    command = ["sweep", "--data", image_file, "--generator-dropout", "0,0.3", *SMALL, "-o", tmp_path / "s"]
    first = dropgan(*command)
    assert first.code == 0, first.err
    assert "2 of 2  generator.dropout=0.3 seed=0: " in first.err
    assert "generator.dropout=0\n" in first.out
    assert f"--recipe {tmp_path / 's' / 'best.toml'}" in first.out
    again = dropgan(*command, "--json")
    assert json.loads(again.out) == json.loads((tmp_path / "s" / "results.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--axis", "generator.dropout"], "--axis takes KEY=A,B, not 'generator.dropout'"),
        (["--axis", "generator.dropout=0", "--generator-dropout", "0.1"], "generator.dropout is given twice"),
        ([], "nothing varies"),
        (["--axis", "generator.dropuot=0,0.1"], "did you mean generator.dropout?"),
        (
            ["--generator-dropout", "0,1"],
            "generator.dropout=1: generator.dropout: Input should be less than 1",
        ),
        (["--generator-dropout", "0", "--seeds", "0"], "--seeds"),
        (["--axis", "data.limit=5,1000"], "has 200 samples"),
        (["--axis", "data.limit=5,100", "--limit", "50"], "leave out --limit"),
        (["--generator-dropout", "0:0.5"], "--trials N searches in a range"),
        (["--generator-dropout", "0", "--device", "cuda:1"], "CUDA_VISIBLE_DEVICES"),
    ],
)
def test_wrong_use_is_one_line(
    dropgan: Dropgan, tmp_path: Path, image_file: Path, arguments: list[str], said: str
) -> None:
    """Exit code 2, what is wrong, and no directory."""
    answer = dropgan("sweep", "--data", image_file, *SMALL, *arguments, "-o", tmp_path / "s", "--quiet")
    assert answer.code == 2, answer.err
    assert said in answer.err
    assert not (tmp_path / "s").exists()
