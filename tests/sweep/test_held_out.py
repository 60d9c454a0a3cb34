"""Scores against images that no trial is trained on."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from dropgan.serve.errors import DropganError
from dropgan.sweep import SweepError
from dropgan.train import Recipe
from dropgan.train.data import TrainingData

from .small import small_sweep

AXES = {"data.limit": [10, 20]}
SETTINGS = {"training.steps": 2, "output.sample_interval": 2}


def how_many(data: TrainingData, recipe: Recipe) -> Callable[[nn.Module], dict[str, float]]:
    """A score that tells what it is given to compare with: number of samples, and the first label."""
    label = 0 if data.labels is None else int(data.labels[0])
    return lambda _: {"count": len(data) + label / 10}


def _saved(path: Path, count: int, side: int = 8, classes: int = 3) -> str:
    random = np.random.default_rng(count)
    images = random.integers(0, 255, (count, side, side)).astype(np.uint8)
    np.savez(path, images=images, labels=np.arange(count) % classes)
    return str(path)


def test_trials_are_scored_against_all_held_out_images(tmp_path: Path) -> None:
    """Scored against the ten images it repeats, a copying machine would be the best; and scores of ten
    and twenty training images would be two measures."""
    data, held = _saved(tmp_path / "data.npz", 30), _saved(tmp_path / "held.npz", 25)
    axes = {**AXES, "conditional": [False, True]}
    results = small_sweep(tmp_path / "s", data, axes, settings=SETTINGS, score=how_many, held_out=held)
    assert [group.mean for group in results.groups] == [25.0] * 4
    with pytest.raises(SweepError, match=re.escape(f"held_out was {held} sha256:")):
        small_sweep(tmp_path / "s", data, axes, settings=SETTINGS, score=how_many)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"count": 30}, "is the training data"),
        ({"count": 25, "side": 9}, "held-out images are"),
        ({"count": 25, "classes": 2}, "has other classes"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, held: dict[str, int], said: str) -> None:
    """One line; scores against something else would look like any other."""
    data, other = _saved(tmp_path / "data.npz", 30), _saved(tmp_path / "held.npz", **held)
    with pytest.raises(DropganError) as error:
        small_sweep(
            tmp_path / "s", data, {"conditional": [True]}, settings=SETTINGS, score=how_many, held_out=other
        )
    assert said in str(error.value)
    assert not (tmp_path / "s").exists()
