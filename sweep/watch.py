"""Report the progress of a sweep: that of all trials together, and the outcome of each."""

import time
from dataclasses import replace

from dropgan.serve.reporter import SILENT, Progress, Reporter

from .trial import Outcome, Trial

_SETTLED = 5.0  # seconds after which a rate says something


class Watch:
    """Follows the trials of a sweep, including those of other processes as they end."""

    def __init__(self, trials: int, steps: int, reporter: Reporter) -> None:
        """Start.

        Args:
            trials: Total number of trials.
            steps: Total number of steps of all trials.
            reporter: Receives progress and messages.
        """
        self._trials, self._steps, self._reporter = trials, steps, reporter
        self._ended: dict[str, int] = {}  # steps by the name of the trial
        self._best: float | None = None
        self._begun, self._first = time.monotonic(), 0
        self._said_waiting = False
        self._looked = False

    def ended(self, trial: Trial, outcome: Outcome, *, here: bool = False) -> None:
        """Report the end of a trial once, unless it ended before this process started."""
        if trial.name in self._ended:
            return
        self._ended[trial.name] = trial.recipe.training.steps
        if outcome.score is not None:
            self._best = outcome.score if self._best is None else min(self._best, outcome.score)
        if not self._looked and not here:
            self._first += self._ended[trial.name]
        else:
            self._reporter.say(f"{len(self._ended)} of {self._trials}  {trial.described}: {_told(outcome)}")

    def reporter(self, trial: Trial) -> Reporter:
        """Return a reporter for the training of a trial, which adds its steps to those of the sweep."""
        self._looked, self._said_waiting = True, False

        def progress(how_far: Progress) -> None:
            if how_far.activity == "training":
                self._tell(how_far.done)

        def note(message: str) -> None:
            self._reporter.note(f"{trial.described}: {message}")

        return replace(SILENT, progress=progress, note=note)

    def waiting(self, count: int) -> None:
        """Report that no trial is left to take because other processes train the rest."""
        self._looked = True
        if not self._said_waiting:
            self._said_waiting = True
            self._reporter.say(
                f"waiting for the {count} trial{'s' * (count > 1)} that other processes train, and which are"
                " taken over if those end"
            )
        self._tell(0)

    def stopped(self, trial: Trial | None) -> str:
        """Return the message for a sweep that the user stops."""
        where = "" if trial is None else f" in {trial.name}"
        return (
            f"stopped{where}: {len(self._ended)} of {self._trials} trials have ended, everything is saved;"
            " run the same command again to go on"
        )

    def _tell(self, steps: int) -> None:
        done = sum(self._ended.values()) + steps
        seconds = time.monotonic() - self._begun
        moved = done - self._first
        left = (self._steps - done) * seconds / moved if moved > 0 and seconds > _SETTLED else None
        best = "" if self._best is None else f", best {self._best:.4g}"
        detail = f"{len(self._ended)} of {self._trials} trials{best}"
        self._reporter.progress(Progress("sweep", done, self._steps, "steps", detail, left))


def _told(outcome: Outcome) -> str:
    if outcome.score is None:
        return f"{outcome.state}: {outcome.message}" if outcome.message else outcome.state
    return f"{outcome.score:.4g} at step {outcome.step:,}"
