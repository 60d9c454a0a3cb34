"""Choose device, precision and CPU threads by a short measurement."""

import json
import time
from dataclasses import dataclass
from typing import get_args

import torch

from dropgan.serve.cores import require_threads, usable_cores
from dropgan.serve.errors import DeviceError, InputError

from ..distributed.ranks import current_ranks
from ..networks import SampleSpec
from ..recipes.settings import Recipe
from .facts import Precision, RunFacts
from .kept_plan import plan_file, read_plan, write_plan
from .rehearsal import Rehearsal

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_MEASURED: dict[str, tuple[Precision, ...]] = {"cpu": ("fp32", "bf16"), "cuda": ("fp32", "tf32", "bf16")}
"""By kind of device. fp16 has no instructions on most CPUs and loses small gradients."""
_SECONDS = 0.5  # for each candidate
_MIN_STEPS = 2


@dataclass(frozen=True)
class Plan:
    """Device, precision and threads of a run."""

    device: torch.device
    precision: Precision
    """Precision of matrix products."""
    threads: int
    """CPU threads of PyTorch."""

    def apply(self) -> None:
        """Set up the process for this plan."""
        torch.set_num_threads(self.threads)
        if self.device.type == "cuda":  # PyTorch's own default rounds convolutions to tf32 unasked
            # By the older of PyTorch's two interfaces: torch.export reads it, and fails after the newer one.
            torch.backends.cuda.matmul.allow_tf32 = self.precision == "tf32"
            torch.backends.cudnn.allow_tf32 = self.precision == "tf32"


@dataclass(frozen=True)
class Wanted:
    """The user's choice of device, precision and threads; the rest is chosen automatically."""

    device: str = "auto"
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``."""
    precision: str = "auto"
    """``auto`` or one of `PRECISIONS`."""
    threads: int | None = None
    """CPU threads, or None."""
    retune: bool = False
    """Measure again even if this machine has measured before."""

    @classmethod
    def of(cls, facts: RunFacts) -> "Wanted":
        """Return the choices with which a run began. Each of several processes has its own GPU."""
        alone = current_ranks().count == 1
        return cls(facts.device if alone else facts.device.partition(":")[0], facts.precision, facts.threads)

    def require_possible(self) -> torch.device:
        """Refuse impossible choices before anything is read or started; return the device.

        Raises:
            DeviceError: The device does not work.
            InputError: A value is not allowed.
        """
        device = choose_device(self.device)
        if self.precision not in ("auto", *PRECISIONS):
            raise InputError(f"precision must be auto, {', '.join(PRECISIONS)}, not {self.precision!r}")
        if self.precision == "tf32" and device.type != "cuda":
            raise InputError("precision tf32 needs an NVIDIA GPU: use fp32 or bf16 on a CPU")
        require_threads(self.threads)
        return device

    def differences(self, facts: RunFacts) -> list[str]:
        """Return each choice with which the run did not begin, as ``key was A, now B``."""
        device = recorded_device(self.require_possible())
        wanted = {
            "device": None if self.device == "auto" else device,
            "precision": None if self.precision == "auto" else self.precision,
            "threads": self.threads,
        }
        return [
            f"{name} was {getattr(facts, name)}, now {value}"
            for name, value in wanted.items()
            if value is not None and value != getattr(facts, name)
        ]


def recorded_device(device: torch.device) -> str:
    """Return a device as recipe.toml records it, without the number that differs between processes."""
    return str(device) if current_ranks().count == 1 else device.type


def choose_device(name: str) -> torch.device:
    """Return the device of ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. Each of several processes gets its own
    GPU.

    Raises:
        DeviceError: A CUDA device was requested and PyTorch has none of that number.
        InputError: The name is none of these.
    """
    available, ranks = torch.cuda.is_available(), current_ranks()
    if ranks.count > 1 and (name.startswith("cuda") or (name == "auto" and available)):
        if name not in ("auto", "cuda"):
            raise InputError(f"several processes use one GPU each: use device cuda, not {name}")
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


def make_plan(recipe: Recipe, spec: SampleSpec, wanted: Wanted) -> Plan:
    """Choose what the user left open by timing training steps of the recipe on noise, once per machine.

    Two threads can be slower than one for products this small on a shared machine. bf16 is faster only on
    CPUs with instructions for it, and on GPUs only for networks that keep them busy (a small network waits
    for kernel launches, of which bf16 needs more). Each candidate is tried for half a second. The choice is
    cached (`kept_plan`), because another one would give other weights.

    Args:
        recipe: The recipe to train.
        spec: Spec of its samples.
        wanted: The user's choices.

    Raises:
        DeviceError: The device does not work.
        InputError: A choice is impossible.
    """
    target = wanted.require_possible()
    ranks = current_ranks()
    if ranks.count > 1:  # the leader measures, the others take what it chose
        chosen = json.loads(ranks.share(lambda: _agreement(_make(recipe, spec, target, wanted))))
        return Plan(target, chosen["precision"], chosen["threads"])
    return _make(recipe, spec, target, wanted)


def _agreement(plan: Plan) -> bytes:
    return json.dumps({"precision": plan.precision, "threads": plan.threads}).encode()


def _make(recipe: Recipe, spec: SampleSpec, target: torch.device, wanted: Wanted) -> Plan:
    precisions: list[Precision] = [precision for precision in PRECISIONS if precision == wanted.precision]
    measured = [one for one in _MEASURED[target.type] if one != "bf16" or _has_bf16(target)]
    candidates = [
        Plan(target, precision, threads)
        for threads in _threads(target, wanted)
        for precision in precisions or measured
    ]
    if len(candidates) == 1:
        return candidates[0]
    file = plan_file(recipe, spec, target, [(one.precision, one.threads) for one in candidates])
    kept = None if wanted.retune else read_plan(file)
    found = [one for one in candidates if kept == {"precision": one.precision, "threads": one.threads}]
    if found:
        return found[0]
    chosen = _fastest(candidates, recipe, spec)
    write_plan(file, {"precision": chosen.precision, "threads": chosen.threads})
    return chosen


def _has_bf16(device: torch.device) -> bool:
    return device.type == "cpu" or torch.cuda.is_bf16_supported(including_emulation=False)


def _threads(device: torch.device, wanted: Wanted) -> list[int]:
    """Return the numbers of CPU threads to try. On CUDA they hardly matter."""
    if wanted.threads:
        return [wanted.threads]
    if device.type == "cuda":
        return [torch.get_num_threads()]
    return sorted({1, max(1, usable_cores() // current_ranks().local_count)})


def _fastest(candidates: list[Plan], recipe: Recipe, spec: SampleSpec) -> Plan:
    before, device = torch.get_num_threads(), candidates[0].device
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            seconds = [_seconds_per_step(candidate, recipe, spec) for candidate in candidates]
    finally:
        torch.set_num_threads(before)
    return candidates[seconds.index(min(seconds))]


def _seconds_per_step(plan: Plan, recipe: Recipe, spec: SampleSpec) -> float:
    """Return the fastest of a few training steps on noise, without lazy penalties."""
    plan.apply()
    rehearsal = Rehearsal(recipe, spec, plan.device, plan.precision)
    end = time.monotonic() + _SECONDS
    rehearsal.step(penalise=False)  # pays for caches
    seconds = [rehearsal.step(penalise=False)]
    while len(seconds) < _MIN_STEPS or time.monotonic() < end:
        seconds.append(rehearsal.step(penalise=False))
    return min(seconds)
