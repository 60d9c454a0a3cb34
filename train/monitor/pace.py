"""Keeping a run within the time that it was given."""

import time
from collections.abc import Callable

CHECKS = 50
"""How often the number of steps is looked at while the time runs."""
TOLERANCE = 0.02
"""By which share the number of steps may miss the time before it is changed."""
_LAST = 50  # a run whose time is up comes down with its rates in a fiftieth of the steps it has done


class Pace:
    """Says how many steps there are to be, as the rate of the machine changes."""

    def __init__(self, minutes: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count.

        Args:
            minutes: From now on, for all steps.
            clock: Seconds.
        """
        self._clock, self._between = clock, 60 * minutes / CHECKS
        self._looked = clock()
        self._deadline = self._looked + 60 * minutes
        self._step: int | None = None
        self._rate = 0.0

    @property
    def left(self) -> float:
        """Seconds until the time is up, at least 0."""
        return max(self._deadline - self._clock(), 0.0)

    def look(self, step: int, steps: int) -> int | None:
        """How many steps there are to be in all; None where that need not change.

        Args:
            step: How many are done.
            steps: How many there are to be so far.
        """
        now = self._clock()
        if self._step is None:  # the rate counts from the end of the first step, which pays for caches
            self._step, self._looked = step, now
        if now - self._looked < self._between:
            return None
        done, seconds = step - self._step, now - self._looked
        self._step, self._looked = step, now
        if done:
            rate = done / seconds
            self._rate = (self._rate + rate) / 2 if self._rate else rate
        left = self._deadline - now
        if left <= 0:
            wanted = min(steps, step + max(1, step // _LAST))
        else:
            wanted = step + max(1, round(left * self._rate))
        return wanted if abs(wanted - steps) > TOLERANCE * steps and step < steps else None
