"""Describe data as they were understood, and the run that would follow."""

from dataclasses import dataclass, replace
from typing import Any

import torch

from dropgan.serve.reporter import LOGGED, SILENT, Reporter

from ..data import TrainingData, with_classes
from ..data.dataset import ImageData, SizeNeededError
from ..kinds import training_kind
from ..recipes import Asked, Recipe
from ..recipes.auto import ClassCount, Seen
from ..recipes.fit import require_fit
from .labels import with_learned_labels
from .plan import Plan, Wanted, make_plan
from .rehearsal import seconds_per_step
from .seen import seen_in
from .source import DataSource

_SIZES = (64, 32, 16, 8)
"""That are proposed for pictures of several sizes: the first that does not enlarge most of them."""


@dataclass(frozen=True)
class Survey:
    """Data as training sees them, and the run that would follow."""

    data: TrainingData
    """The data."""
    seen: Seen
    """Facts by which the recipe is chosen."""
    size: int
    """Proposed size for pictures that need one; 0 if none was needed."""
    remarks: tuple[str, ...]
    """Messages about what was ignored, left out, or interpreted in an unexpected way."""
    recipe: Recipe
    why: str
    """Reason for this recipe; empty if the user named one."""
    plan: Plan
    """Device, precision and threads on this machine."""
    seconds: float
    """Measured seconds for a thousand steps on this machine."""

    @property
    def classes(self) -> tuple[ClassCount, ...]:
        """The classes that have samples; empty without labels."""
        return self.seen.classes

    def told(self) -> list[tuple[str, str]]:
        """Return the data for people: lines of a word (empty if a line continues the one above)
        and a text.
        """
        return training_kind(self.data.kind).told(self.data)

    def as_dict(self) -> dict[str, Any]:
        """Return everything for programs."""
        return {
            "name": self.data.name,
            "kind": self.data.kind,
            "samples": len(self.data),
            **training_kind(self.data.kind).facts(self.data),
            "classes": {one.name: one.count for one in self.classes},
            "remarks": list(self.remarks),
            "proposed_size": self.size or None,
            "recipe": self.recipe.name,
            "conditional": self.recipe.conditional,
            "clusters": self.recipe.clusters,
            "why": self.why,
            "device": str(self.plan.device),
            "precision": self.plan.precision,
            "threads": self.plan.threads,
            "steps": self.recipe.training.steps,
            "seconds_per_thousand_steps": round(self.seconds, 3),
        }


def survey(
    source: DataSource, asked: Asked, wanted: Wanted, *, propose: bool = False, reporter: Reporter = LOGGED
) -> Survey:
    """Read data, choose what a run would train with, and time a few of its steps.

    Args:
        source: The data.
        asked: The user's wishes for the recipe.
        wanted: The user's choice of device, precision and threads.
        propose: Propose a size if pictures need one. Otherwise this is an error, as in a run.
        reporter: Receives progress; remarks are in the result.

    Raises:
        DropganError: No run could start with this data or recipe.
    """
    device = wanted.require_possible()
    data, size, remarks = _read(source, propose, reporter)
    seen = seen_in(data, device.type)
    recipe, chosen = asked.settled(seen)
    learned = with_learned_labels(data, recipe, replace(reporter, note=remarks.append))
    if recipe.learns_classes:
        data = learned
    elif len(seen.classes) > 1 and not seen.unusable:  # in the order of the classes
        data = with_classes(data, SILENT)
    spec = training_kind(data.kind).spec_of(learned, learned.classes if recipe.conditional else 0)
    require_fit(recipe, spec)
    reporter.say("timing a few training steps")
    threads = torch.get_num_threads()
    try:
        plan = make_plan(recipe, spec, wanted)
        plan.apply()
        seconds = 1000 * seconds_per_step(recipe, spec, plan.device, plan.precision)
    finally:
        torch.set_num_threads(threads)
    return Survey(data, seen, size, tuple(dict.fromkeys(remarks)), recipe, chosen.why, plan, seconds)


def _read(source: DataSource, propose: bool, reporter: Reporter) -> tuple[TrainingData, int, list[str]]:
    """Return the data, the proposed size or 0, and the remarks."""
    remarks: list[str] = []
    noting = replace(reporter, note=remarks.append)
    try:
        return source.read(noting), 0, remarks
    except SizeNeededError:
        if not propose:
            raise
    size, data = _SIZES[0], _sized(source, _SIZES[0], noting)
    if isinstance(data, ImageData) and data.origins is not None:
        size = next((size for size in _SIZES if size <= data.origins.side), _SIZES[-1])
    if size != _SIZES[0]:
        data = _sized(source, size, noting)
    return data, size, remarks


def _sized(source: DataSource, size: int, reporter: Reporter) -> TrainingData:
    return replace(source, options=replace(source.options, size=size)).read(reporter)
