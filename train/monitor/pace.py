"""Keep a run within its time."""

import time
from collections.abc import Callable

CHECKS = 50
"""Number of checks of the number of steps during the time."""
TOLERANCE = 0.02
"""Share of all steps by which the run may miss its time before their number is changed."""
_OF_LEFT = 0.1  # by which share of the steps that are left: what misses them early is often made good
_NEWEST = 0.3  # weight of the newest rate in their mean: a machine that others use is fast and slow in turn
_LAST = 50  # a run whose time is up comes down with its rates in a fiftieth of the steps it has done


class Pace:
    """Adjusts the number of steps as the machine's rate changes."""

    def __init__(self, minutes: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start the clock.

        Args:
            minutes: Time for all steps, counted from now.
            clock: Returns seconds.
        """
        self._clock, self._between = clock, 60 * minutes / CHECKS
        self._looked = clock()
        self._deadline = self._looked + 60 * minutes
        self._step: int | None = None
        self._rate = 0.0

    @property
    def left(self) -> float:
        """Return the seconds left, at least 0."""
        return max(self._deadline - self._clock(), 0.0)

    def look(self, step: int, steps: int) -> int | None:
        """Return the new total number of steps, or None if it need not change.

        Args:
            step: Number of steps done.
            steps: Current total number of steps.
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
            self._rate += (_NEWEST if self._rate else 1.0) * (rate - self._rate)
        left = self._deadline - now
        if left <= 0:
            wanted, allowed = min(steps, step + max(1, step // _LAST)), 0.0
        else:
            wanted, allowed = step + max(1, round(left * self._rate)), _OF_LEFT * left * self._rate
        missed = abs(wanted - steps) > max(TOLERANCE * steps, allowed)
        return wanted if missed and step < steps else None
