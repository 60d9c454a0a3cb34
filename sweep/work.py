"""The work of one process of a sweep: take a trial that nobody trains, and train it to its end.

The process that trains a trial holds the lock of its run directory, which the kernel releases however the
process dies. A trial without an outcome that is not locked is therefore new or was abandoned, and continues
from its checkpoint.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

from dropgan.serve.errors import DropganError
from dropgan.serve.lock import TakenError
from dropgan.train import Interrupted, TrainingError
from dropgan.train.recipes import Asked
from dropgan.train.run.plan import Wanted
from dropgan.train.run.session import MakeScore, prepare
from dropgan.train.run.source import DataSource
from dropgan.train.run.start import new_or_begun_run

from .plan import Plan
from .trial import Outcome, Trial, outcome_of
from .watch import Watch

_PAUSE = 1.0  # seconds between two looks at the trials of others


class TrialError(DropganError):
    """A trial failed in a way that has nothing to do with its settings."""


class _EndedEarly(Exception):
    """Ends the training of a trial that others have beaten."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(frozen=True)
class Worker:
    """Trains trials."""

    source: DataSource
    """The data; how they are read is the trial's."""
    wanted: Wanted
    """What all trials compute with."""
    score: MakeScore
    plan: Plan
    watch: Watch

    def work(self) -> None:
        """Train until all trials have ended, here or elsewhere, and no more will be proposed.

        Raises:
            Interrupted: The process received SIGINT, SIGTERM or SIGHUP; everything is saved.
            TrialError: A trial failed for reasons other than its settings, such as a full disk.
        """
        ended: set[str] = set()
        while True:
            left = [trial for trial in self.plan.trials() if trial.name not in ended]
            ended |= {trial.name for trial in left if self._has_ended(trial)}
            left = [trial for trial in left if trial.name not in ended]
            if any(self._take(trial) for trial in left) or self.plan.propose():
                continue
            if not left:
                return
            self.watch.waiting(len(left))
            time.sleep(_PAUSE)

    def _has_ended(self, trial: Trial) -> bool:
        outcome = trial.outcome()
        if outcome is not None:
            self.watch.ended(trial, outcome)
        return outcome is not None

    def _take(self, trial: Trial) -> bool:
        """Train a trial if it has not ended and nobody else trains it; return True if it was trained."""
        if trial.outcome() is not None:
            return False
        try:
            with trial.run.locked(patience=0):
                if trial.outcome() is not None:  # it ended between the look and the lock
                    return False
                outcome = self._trained(trial)
                trial.record(outcome)
        except TakenError:
            return False
        except Interrupted as error:
            raise Interrupted(self.watch.stopped(trial), error.exit_code - 128) from error
        except (DropganError, OSError) as error:
            raise TrialError(
                f"trial {trial.name}: {error}; nothing is lost: run the same command again to continue"
            ) from error
        self.watch.ended(trial, outcome, here=True)
        return True

    def _trained(self, trial: Trial) -> Outcome:
        source = replace(self.source, options=trial.point.options)
        start = new_or_begun_run(trial.run, Asked(trial.recipe), source, self.wanted)

        def look(row: dict[str, Any]) -> None:
            if "score" in row and (verdict := self.plan.verdict(trial)):
                raise _EndedEarly(verdict)

        reporter = replace(self.watch.reporter(trial), metrics=look)
        session = prepare(start, score=self.score, reporter=reporter)
        message = ""
        try:
            look({"score": None})  # one that was killed before the verdict on its last score
            if not session.is_complete():
                session.run()
        except TrainingError as error:
            message = str(error)
        except _EndedEarly as error:
            return error.outcome
        return outcome_of(trial, message)
