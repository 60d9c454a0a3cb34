"""The work of one process of a sweep: take a trial that nobody trains, and train it to its end.

Who trains a trial holds the lock of its run directory, which the kernel lets go when the process dies,
however it dies. So a trial without an outcome that is not locked is new, or was left behind, and then
goes on from its checkpoint.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dropgan.serve.errors import DropganError
from dropgan.serve.lock import TakenError
from dropgan.train import Interrupted, TrainingError
from dropgan.train.recipes import Asked
from dropgan.train.run.plan import Wanted
from dropgan.train.run.session import MakeScore, prepare
from dropgan.train.run.source import DataSource
from dropgan.train.run.start import new_or_begun_run

from .trial import Outcome, Trial
from .watch import Watch

_PAUSE = 1.0  # seconds between two looks at the trials of others


class TrialError(DropganError):
    """A trial failed in a way that has nothing to do with its settings."""


@dataclass(frozen=True)
class Worker:
    """Trains trials."""

    source: DataSource
    """The data; how they are read is the trial's."""
    wanted: Wanted
    """What all trials compute with."""
    score: MakeScore
    watch: Watch

    def work(self, trials: Sequence[Trial]) -> None:
        """Train until all trials have ended, here or elsewhere.

        Raises:
            Interrupted: SIGINT, SIGTERM or SIGHUP came; everything is saved.
            TrialError: A trial failed, but not by its settings: no space, data that are gone.
        """
        left = list(trials)
        while left := [trial for trial in left if not self._has_ended(trial)]:
            if not any(self._take(trial) for trial in left):
                self.watch.waiting(len(left))
                time.sleep(_PAUSE)

    def _has_ended(self, trial: Trial) -> bool:
        outcome = trial.outcome()
        if outcome is not None:
            self.watch.ended(trial, outcome)
        return outcome is not None

    def _take(self, trial: Trial) -> bool:
        """Train a trial if it has not ended and nobody else trains it; tells whether it was trained."""
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
                f"trial {trial.name}: {error}; nothing is lost: run the same command again to go on"
            ) from error
        self.watch.ended(trial, outcome, here=True)
        return True

    def _trained(self, trial: Trial) -> Outcome:
        source = replace(self.source, options=trial.point.options)
        start = new_or_begun_run(trial.run, Asked(trial.recipe), source, self.wanted)
        session = prepare(start, score=self.score, reporter=self.watch.reporter(trial))
        message = ""
        try:
            if not session.is_complete():
                session.run()
        except TrainingError as error:
            message = str(error)
        return outcome_of(trial, message)


def outcome_of(trial: Trial, wrong: str = "") -> Outcome:
    """What came of a trial that was trained, by its metrics; ``wrong`` is why it could not be."""
    rows = [row for row in trial.run.read_metrics() if "score_name" in row]
    scores = tuple(sorted((row["step"], row["score"]) for row in rows))
    name = rows[-1]["score_name"] if rows else ""
    finite = [(value, step) for step, value in scores if value is not None]
    if not wrong and not finite:
        wrong = "no score is a finite number"
    if wrong:
        return Outcome("diverged", None, None, scores, name, wrong)
    score, step = min(finite)
    return Outcome("finished", score, step, scores, name)
