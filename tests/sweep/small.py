"""A small sweep: networks of 16 units, a score that costs nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dropgan.sweep import Results, sweep
from dropgan.train import Recipe

from ..train.small_runs import SMALL, WeightScore, made, small_recipe

RECIPE = small_recipe(training__steps=20)
SCORE = made(WeightScore())
SETTINGS = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]
MACHINE = ["--device", "cpu", "--precision", "fp32", "--threads", "1"]


def small_sweep(
    directory: Path, data: object, axes: Mapping[str, Any], recipe: Recipe | str = RECIPE, **options: Any
) -> Results:
    machine = {"device": "cpu", "precision": "fp32", "threads": 1}
    return sweep(directory, axes, recipe, data=data, **{"score": SCORE, **machine, **options})
