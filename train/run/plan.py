"""Device, precision and CPU threads: what a run computes with, chosen by a short measurement."""

import json
import math
import time
from dataclasses import dataclass

import torch

from dropgan.serve.cores import usable_cores
from dropgan.serve.errors import DeviceError, InputError

from ..data.batches import Batch
from ..distributed.ranks import current_ranks
from ..networks import SampleSpec
from ..recipes.settings import Recipe
from ..steps.state import TrainingState
from ..steps.step import train_step

PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
_MEASURED = ("fp32", "bf16")  # fp16 has no instructions on most CPUs and loses small gradients
_SECONDS = 0.5  # for each candidate
_MIN_STEPS = 3


@dataclass(frozen=True)
class Plan:
    """What a run computes with."""

    device: torch.device
    precision: str
    """Of matrix products: ``fp32``, ``tf32`` (CUDA only), ``bf16`` or ``fp16`` (with scaled losses)."""
    threads: int
    """CPU threads of PyTorch."""

    def apply(self) -> None:
        """Set the process up for it."""
        torch.set_num_threads(self.threads)
        if self.device.type == "cuda":  # PyTorch's own default rounds convolutions to tf32 unasked
            rounding = "tf32" if self.precision == "tf32" else "ieee"
            torch.backends.cuda.matmul.fp32_precision = rounding
            torch.backends.cudnn.conv.fp32_precision = rounding  # type: ignore[attr-defined]


def choose_device(name: str) -> torch.device:
    """The device of ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; of several processes, a GPU each.

    Raises:
        DeviceError: A CUDA device was asked for and PyTorch sees none of that number.
        InputError: The name is none of these.
    """
    available, ranks = torch.cuda.is_available(), current_ranks()
    if ranks.count > 1 and (name.startswith("cuda") or (name == "auto" and available)):
        if name not in ("auto", "cuda"):
            raise InputError(f"of several processes each has a GPU of its own: device cuda, not {name}")
        name = f"cuda:{ranks.local_rank}"
    if name == "auto":
        return torch.device("cuda" if available else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device must be auto, cpu, cuda or cuda:N, not {name!r}") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device must be auto, cpu, cuda or cuda:N, not {name!r}")
    if device.type == "cuda" and (not available or (device.index or 0) >= torch.cuda.device_count()):
        built = "sees no such GPU" if torch.version.cuda else "is built without CUDA"
        raise DeviceError(f"device {name} does not work: this PyTorch {built}; see dropgan doctor")
    return device


def make_plan(recipe: Recipe, spec: SampleSpec, *, device: str, precision: str, threads: int | None) -> Plan:
    """Choose what is left open by timing training steps of the recipe on noise.

    Two threads can be slower than one for products this small on a shared machine, and bf16 is
    faster only on CPUs that have instructions for it: both are tried for half a second. On CUDA,
    bf16 is taken where the GPU has it.

    Args:
        recipe: The recipe to be trained.
        spec: SampleSpec of an image.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``auto`` or one of `PRECISIONS`.
        threads: CPU threads, or None to choose.

    Raises:
        DeviceError: The device does not work.
        InputError: An argument is none of those above.
    """
    target = choose_device(device)
    if precision not in ("auto", *PRECISIONS):
        raise InputError(f"precision must be auto, {', '.join(PRECISIONS)}, not {precision!r}")
    if precision == "tf32" and target.type != "cuda":
        raise InputError("precision tf32 is of NVIDIA GPUs: take fp32 or bf16 on a CPU")
    if threads is not None and threads < 1:
        raise InputError(f"threads must be at least 1, not {threads}")
    ranks = current_ranks()
    if ranks.count > 1:  # the leader measures, the others take what it chose
        chosen = json.loads(ranks.share(lambda: _agreement(_make(recipe, spec, target, precision, threads))))
        return Plan(target, chosen["precision"], chosen["threads"])
    return _make(recipe, spec, target, precision, threads)


def _agreement(plan: Plan) -> bytes:
    return json.dumps({"precision": plan.precision, "threads": plan.threads}).encode()


def _make(
    recipe: Recipe, spec: SampleSpec, target: torch.device, precision: str, threads: int | None
) -> Plan:
    if target.type == "cuda":
        if precision == "auto":
            precision = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
        return Plan(target, precision, threads or torch.get_num_threads())

    candidates = [
        Plan(target, kind, number)
        for number in (
            [threads] if threads else sorted({1, max(1, usable_cores() // current_ranks().local_count)})
        )
        for kind in (_MEASURED if precision == "auto" else (precision,))
    ]
    if len(candidates) == 1:
        return candidates[0]
    before = torch.get_num_threads()
    random = torch.get_rng_state()
    try:
        seconds = [_seconds_per_step(candidate, recipe, spec) for candidate in candidates]
    finally:
        torch.set_num_threads(before)
        torch.set_rng_state(random)
    return candidates[seconds.index(min(seconds))]


def _seconds_per_step(plan: Plan, recipe: Recipe, spec: SampleSpec) -> float:
    """Fastest of a few training steps, without the R1 penalty, on noise."""
    plan.apply()
    state = TrainingState.fresh(recipe, spec, plan.device)
    state.set_learning_rates(recipe)
    size = recipe.training.batch_size
    reals = torch.rand(size, *spec.shape) * 2 - 1
    batch = Batch(reals, torch.randint(spec.classes, (size,)) if spec.classes else None)
    best, end, steps = math.inf, time.monotonic() + _SECONDS, 0
    while steps < _MIN_STEPS or time.monotonic() < end:
        started = time.perf_counter()
        train_step(
            state, recipe, lambda _: batch, device=plan.device, precision=plan.precision, penalise=False
        )
        if steps:  # the first one pays for caches
            best = min(best, time.perf_counter() - started)
        steps += 1
    return best
