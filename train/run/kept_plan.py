"""Cached measurements, so that the same command on the same machine computes the same way again.

Threads and precision change the last bits of the weights, and two choices may be almost equally fast. If they
were measured each time, a run could not be repeated.
"""

import hashlib
import json
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from dropgan.serve.errors import OutputError
from dropgan.serve.parsing import parse_json

from ..data.cache import cache_directory, cache_file
from ..networks import SampleSpec
from ..recipes import Recipe

_IRRELEVANT = {"name", "output", "health"}
_IRRELEVANT_TRAINING = {"steps", "seed", "schedule", "patience"}
_CPUINFO = Path("/proc/cpuinfo")


def plan_file(
    recipe: Recipe, spec: SampleSpec, device: torch.device, candidates: list[tuple[str, int]]
) -> Path:
    """Return the cache file of the plan for a run on this machine.

    Args:
        recipe: The recipe; settings that do not affect the time are ignored.
        spec: Spec of the samples.
        device: Device of the run.
        candidates: Precisions and numbers of threads to choose from.
    """
    settings = recipe.model_dump(mode="json", exclude=_IRRELEVANT)
    for name in _IRRELEVANT_TRAINING:
        settings["training"].pop(name)
    asked = {
        "machine": [
            torch.cuda.get_device_name(device) if device.type == "cuda" else machine_name(),
            torch.__version__,
        ],
        "recipe": settings,
        "sample": [list(spec.shape), spec.classes],
        "candidates": candidates,
    }
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]
    return cache_directory() / "plans" / f"{key}.json"


def read_plan(path: Path) -> dict[str, Any] | None:
    """Return the result of `write_plan`, or None if there is none that can be read."""
    try:
        kept = parse_json(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None


def write_plan(path: Path, plan: dict[str, Any]) -> None:
    """Cache a plan. If the cache cannot be written, the next run measures again."""
    with suppress(OutputError), cache_file(path) as file:
        file.write(json.dumps(plan).encode())


def machine_name() -> str:
    """Return the name of the processor. Machines with the same name compute alike."""
    try:
        lines = _CPUINFO.read_text("utf-8", errors="replace").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux, or Arm, which names no model
        model = platform.processor() or platform.machine()
    return model
