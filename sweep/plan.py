"""The trials of a sweep: those of a grid are known from the start, those of a search are proposed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dropgan.train import RunDirectory

from .points import Point
from .trial import Outcome, Trial, trial_name


class Plan(Protocol):
    """The trials of a sweep."""

    def trials(self) -> list[Trial]:
        """Return all trials so far, in the order in which they should be trained."""
        ...

    def propose(self) -> bool:
        """Add a trial, for a process that finds none to train; return False if there are enough."""
        ...

    def verdict(self, trial: Trial) -> Outcome | None:
        """Return the early end of a trial, judged by the others, or None if it continues."""
        ...


class Grid:
    """Every combination with every seed."""

    def __init__(self, folder: Path, points: Sequence[Point], seeds: Sequence[int]) -> None:
        """Name the trials.

        All points with one seed come before the next seed, so a sweep that is stopped half-way has every
        combination, with fewer seeds.
        """
        self._trials = [
            Trial(point, seed, RunDirectory(folder / trial_name(point.values, seed)))
            for seed in seeds
            for point in points
        ]

    def trials(self) -> list[Trial]:
        """Return all trials."""
        return self._trials

    def propose(self) -> bool:
        """Return False, because a grid has no more trials."""
        return False

    def verdict(self, trial: Trial) -> Outcome | None:
        """Return None: each trial is trained to its end."""
        return None
