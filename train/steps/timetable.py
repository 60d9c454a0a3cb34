"""The number of steps of a run and the decay of its learning rates."""

from dataclasses import dataclass

Spans = tuple[tuple[int, int], ...]
"""Pairs of a step and the total number of steps from there on; the first step is 0."""


@dataclass(frozen=True)
class Timetable:
    """The steps of a run, whose number may change during training."""

    spans: Spans

    @property
    def steps(self) -> int:
        """Current total number of steps."""
        return self.spans[-1][1]

    def changed(self, step: int, steps: int) -> "Timetable":
        """Return a copy with another total number of steps from ``step`` on, which must be before the old
        end.
        """
        return Timetable((*(span for span in self.spans if span[0] < step), (step, steps)))

    def left(self, step: int) -> float:
        """Return the share of a learning rate at a step; rates fall linearly to 0 at the end.

        If the number of steps changes, the rate falls linearly from its current value to 0 at the new end.
        """
        share, (first, end) = 1.0, self.spans[0]
        for start, steps in self.spans[1:]:
            if start > step:
                break
            share *= 1 - (start - first) / (end - first)
            first, end = start, steps
        return share * (1 - (step - first) / (end - first))
