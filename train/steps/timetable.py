"""How many steps a run has, and how far its learning rates have fallen."""

from dataclasses import dataclass

Spans = tuple[tuple[int, int], ...]
"""From which step on a run has how many steps in all, the first from step 0 on."""


@dataclass(frozen=True)
class Timetable:
    """The steps of a run, which may turn out to be more or fewer while it trains."""

    spans: Spans

    @property
    def steps(self) -> int:
        """Steps in all, as it stands last."""
        return self.spans[-1][1]

    def changed(self, step: int, steps: int) -> "Timetable":
        """The same with another number of steps in all from ``step`` on, which is before the old end."""
        return Timetable((*(span for span in self.spans if span[0] < step), (step, steps)))

    def left(self, step: int) -> float:
        """Share of a learning rate that is left at a step, where rates fall linearly to 0 at the end.

        Where the number of steps changes, it falls on from what is left there to 0 at the new end.
        """
        share, (first, end) = 1.0, self.spans[0]
        for start, steps in self.spans[1:]:
            if start > step:
                break
            share *= 1 - (start - first) / (end - first)
            first, end = start, steps
        return share * (1 - (step - first) / (end - first))
