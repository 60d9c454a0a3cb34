"""Which trials a sweep has: those of a grid are known from the beginning, those of a search are proposed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dropgan.train import RunDirectory

from .points import Point
from .trial import Outcome, Trial, trial_name


class Plan(Protocol):
    """The trials of a sweep."""

    def trials(self) -> list[Trial]:
        """All that there are so far, in the order in which they are to be taken."""
        ...

    def propose(self) -> bool:
        """Add another trial, for a process that finds none to take; False if there are to be no more."""
        ...

    def verdict(self, trial: Trial) -> Outcome | None:
        """How a trial ends before its last step, in the light of the others; None if it goes on."""
        ...


class Grid:
    """Every combination with every seed."""

    def __init__(self, folder: Path, points: Sequence[Point], seeds: Sequence[int]) -> None:
        """Name the trials.

        All points with one seed come before the next seed: a sweep that is stopped half-way has every
        combination, if with fewer seeds.
        """
        self._trials = [
            Trial(point, seed, RunDirectory(folder / trial_name(point.values, seed)))
            for seed in seeds
            for point in points
        ]

    def trials(self) -> list[Trial]:
        """All of them."""
        return self._trials

    def propose(self) -> bool:
        """There are no more."""
        return False

    def verdict(self, trial: Trial) -> Outcome | None:
        """Each is trained to its end."""
        return None
