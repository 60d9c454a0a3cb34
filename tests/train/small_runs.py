"""Small runs, what they leave behind, and a score that costs nothing."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dropgan.train import Recipe, RunDirectory, change_recipe, load_recipe, train
from dropgan.train.run.checkpoint import load_checkpoint

SMALL = {
    "training.batch_size": 8,
    "training.steps": 40,
    "generator.hidden": [16, 16],
    "discriminator.hidden": [16, 16],
    "output.log_interval": 5,
    "output.sample_interval": 10,
    "output.checkpoint_interval": 10,
}


def small_recipe(name: str = "mlp", **settings: object) -> Recipe:
    return change_recipe(
        load_recipe(name), {**SMALL, **{k.replace("__", "."): v for k, v in settings.items()}}
    )


def train_small(directory: Path, data: Path, recipe: Recipe, **options: Any) -> RunDirectory:
    return train(directory, recipe, data=str(data), device="cpu", precision="fp32", threads=1, **options)


def tensors(run: RunDirectory, file: str = "last") -> dict[str, torch.Tensor]:
    return load_checkpoint(run.path / "checkpoints" / f"{file}.safetensors").tensors


def same_weights(one: RunDirectory, other: RunDirectory, file: str = "last") -> bool:
    mine, theirs = tensors(one, file), tensors(other, file)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)


def rows_of(run: RunDirectory) -> list[dict[str, Any]]:
    """Lines of metrics without what no two runs share, in an order that does not hang on speed."""
    rows = [
        {key: value for key, value in row.items() if key not in ("seconds", "steps_per_second")}
        for row in run.read_metrics()
    ]
    return sorted(rows, key=lambda row: (row["step"], json.dumps(row, sort_keys=True)))


class WeightScore:
    """A score that is cheap and different at every step; slow if told to be."""

    def __init__(self, values: Callable[[float], float] = abs, seconds: float = 0.0) -> None:
        self.values, self.seconds = values, seconds
        self.threads: set[int] = set()

    def __call__(self, generator: nn.Module) -> dict[str, float]:
        self.threads.add(threading.get_ident())
        time.sleep(self.seconds)
        return {"weight": self.values(float(next(generator.parameters()).double().sum()))}


def made(score: Callable[[nn.Module], dict[str, float]]) -> Any:
    return lambda data, recipe: score
