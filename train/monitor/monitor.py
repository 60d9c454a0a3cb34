"""All work between two training steps."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Any

import torch

from dropgan.serve.errors import DropganError
from dropgan.serve.reporter import Progress, Reporter

from ..data.batches import Batches
from ..recipes.settings import Recipe
from ..run.checkpoint import CheckpointError, keep_previous, load_checkpoint, save_checkpoint
from ..run.directory import RunDirectory
from ..run.stop import StopRequest
from ..steps.state import TrainingState
from ..steps.step import StepOutcome
from ..steps.timetable import Timetable
from .animation import is_frame, write_animation
from .best import BestKeeper, exhausted
from .curves import write_curves
from .health import Health, Problem
from .meter import Meter
from .pace import Pace
from .samples import IMAGE_GRID, SamplePicture, spread, write_samples
from .scoring import BackgroundScoring, Score
from .tensorboard import TensorBoardLog


class TrainingError(DropganError):
    """Training failed, and continuing cannot repair it."""


class Ending(Enum):
    """The reason why a loop ends."""

    DONE = "all steps are done"
    PATIENCE = "the score no longer improves"
    TIME = "the time is up"
    SIGNAL = "a signal came"


class Monitor:
    """Writes a run's files and watches its health."""

    def __init__(
        self,
        state: TrainingState,
        recipe: Recipe,
        batches: Batches,
        run: RunDirectory,
        *,
        device: torch.device,
        about: dict[str, Any],
        score: Score | None,
        minutes: float | None,
        pace: Pace | None = None,
        record: Callable[[Timetable], None] = lambda timetable: None,
        picture: SamplePicture = IMAGE_GRID,
        log: TensorBoardLog | None = None,
        reporter: Reporter,
    ) -> None:
        """Prepare.

        Args:
            state: The state that is trained.
            recipe: The recipe of the run.
            batches: The data. One batch shows how much real samples vary.
            run: The run directory.
            device: Device of the training.
            about: Facts to store in checkpoints besides the state.
            score: Scores the averaged generator; None turns scores off.
            minutes: Stop after this time, counted from now, or None.
            pace: Adjusts the number of steps, or None to keep it.
            record: Records a changed number of steps before the first step that it applies to.
            picture: How samples are shown.
            log: Also receives every line of metrics.
            reporter: Receives every line of metrics, the progress, and warnings.
        """
        self._meter = Meter(recipe, device, state.seconds)
        self._state, self._recipe, self._run = state, recipe, run
        self._device, self._about, self._picture = device, about, picture
        self._log, self._reporter = log, reporter
        self._scoring = None if score is None else BackgroundScoring(score)
        self._best = BestKeeper(run.best_checkpoint)
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._pace, self._record = pace, record
        self._data_spread = spread(batches(0).samples)
        self._rows = run.read_metrics()
        self._health = Health(recipe, self._rows)

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._scoring is not None:
            self._scoring.close()
        if self._log is not None:
            self._log.close()

    def begin(self) -> Ending | None:
        """Run before the first step: repeat a score that a crash lost, and end if nothing is left to do."""
        state = self._state
        self._tell_progress()
        if not self._run.last_checkpoint.exists():  # so that there is always one to go back to
            self._save()
        ending = Ending.DONE if state.step >= state.timetable.steps else self._out_of_patience()
        scored = any("score" in row and row["step"] == state.step for row in self._rows)
        if state.step and not scored and (self._is_grid_step() or ending is not None):
            self._submit()
        return ending

    def add(self, step: StepOutcome) -> None:
        """Add a step."""
        self._meter.add(step)

    def after_step(self, stop: StopRequest) -> Ending | None:
        """Do what is due after a step; ``state.step`` has already advanced.

        Returns:
            The reason why training ends here, or None if it continues.

        Raises:
            TrainingError: Training has failed too often.
            OutputError: A file cannot be written.
        """
        state, output = self._state, self._recipe.output
        self._keep_pace()
        ending = self._ending(stop)
        sampled = self._is_grid_step() or ending in (Ending.DONE, Ending.PATIENCE)
        kept = state.step % output.checkpoint_interval == 0 or ending is not None
        if self._picture.quick and not sampled and is_frame(state.step, self._recipe.training.steps):
            write_samples(state, self._recipe, self._run, self._device, self._picture)
        if not (sampled or kept or state.step % output.log_interval == 0):
            return None
        row = self._meter.row(state)
        problems = self._look(row, sampled)
        for problem in problems:
            if problem.action == "rollback":
                self._roll_back(problem)
                return None
        self._append(row)
        for problem in problems:
            self._append(_warning(problem, state.step))
        self._harvest(wait=sampled or kept)
        if sampled:
            self._submit()
        if kept:
            self._save()
        return ending

    def finish(self) -> None:
        """Finish after the last step: wait for the running score, and draw the curves."""
        self._harvest(wait=True)
        write_curves(self._run)
        write_animation(self._run, self._state.step)

    def _keep_pace(self) -> None:
        """Change the number of steps if the run would miss its time."""
        steps = None if self._pace is None else self._pace.look(self._state.step, self._state.timetable.steps)
        if steps is not None:
            timetable = self._state.timetable.changed(self._state.step, steps)
            self._record(timetable)
            self._state.timetable = timetable
            self._tell_progress()

    def _ending(self, stop: StopRequest) -> Ending | None:
        if self._state.step >= self._state.timetable.steps:
            return Ending.DONE
        patience = self._out_of_patience()
        if patience is not None:
            return patience
        if stop.signal_number is not None:
            return Ending.SIGNAL
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return Ending.TIME
        return None

    def _is_grid_step(self) -> bool:
        return self._state.step % self._recipe.output.sample_interval == 0

    def _out_of_patience(self) -> Ending | None:
        """Return an ending if patience is exhausted.

        This is checked only when a score starts, from the earlier scores, so it does not depend on the speed
        of scoring.
        """
        patience = self._recipe.training.patience
        if not patience or not self._is_grid_step():
            return None
        self._harvest(wait=True)
        return None if exhausted(self._rows, patience, self._state.step) is None else Ending.PATIENCE

    def _look(self, row: dict[str, Any], sampled: bool) -> list[Problem]:
        """Return the problems of a line. If none is fatal, also write the samples that are due."""
        if sampled and not self._health.fatal(row):
            samples = write_samples(self._state, self._recipe, self._run, self._device, self._picture)
            row["spread"] = spread(samples) / self._data_spread
        return self._health.look(row)

    def _append(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._run.append_metrics(row)
        if self._log is not None:
            self._log(row)
        self._reporter.metrics(row)
        if "event" in row:
            self._reporter.note(row["message"])
        else:
            self._tell_progress()

    def _tell_progress(self) -> None:
        """Report the progress with the last losses and the last score."""
        losses = next((row for row in reversed(self._rows) if "generator_loss" in row), None)
        score = next((row for row in reversed(self._rows) if row.get("score") is not None), None)
        detail = f"D {losses['discriminator_loss']:.3f} G {losses['generator_loss']:.3f}" if losses else ""
        if score is not None:
            detail += f" {score['score_name'].rsplit('_', 1)[0]} {score['score']:.2f}"
        step, steps = self._state.step, self._state.timetable.steps
        left = None if self._pace is None else self._pace.left
        self._reporter.progress(Progress("training", step, steps, "steps", detail, left))

    def _submit(self) -> None:
        if self._scoring is not None:
            self._scoring.submit(self._state)

    def _harvest(self, *, wait: bool) -> None:
        scored = self._scoring.harvest(wait=wait) if self._scoring is not None else None
        if scored is None:
            return
        self._best.offer(scored, self._about)
        value = scored.value if math.isfinite(scored.value) else None
        self._append({"step": scored.step, "score": value, "score_name": scored.name})

    def _save(self, *, rotate: bool = True) -> None:
        if rotate:
            keep_previous(self._run.last_checkpoint, self._run.previous_checkpoint)
        save_checkpoint(self._run.last_checkpoint, self._state.to_checkpoint(self._about))

    def _roll_back(self, problem: Problem) -> None:
        """Return to the last good checkpoint, with lower learning rates and other random numbers.

        The next attempt is a function of the checkpoint written here, so resuming stays exact. If training
        failed before it reached a new checkpoint, the previous one is used.
        """
        state, run, health = self._state, self._run, self._recipe.health
        found_at, seconds = state.step, state.seconds
        self._harvest(wait=True)
        if len(state.rollbacks) >= health.rollbacks:
            raise TrainingError(_given_up(problem, found_at, health.rollbacks))
        checkpoint = load_checkpoint(run.last_checkpoint)
        if state.rollbacks and checkpoint.about["step"] == state.rollbacks[-1]:
            with suppress(CheckpointError):
                checkpoint = load_checkpoint(run.previous_checkpoint)
        rollbacks = state.rollbacks
        state.restore(checkpoint)
        state.seconds, state.rollbacks = seconds, (*rollbacks, state.step)
        count = len(state.rollbacks)
        run.rewind_metrics(state.step, count - 1)
        self._rows = run.read_metrics()
        self._health = Health(self._recipe, self._rows)
        self._meter.reset()
        self._append(_rollback(problem, found_at, state.step, count, health.rate_factor**count))
        self._save(rotate=False)


def _warning(problem: Problem, step: int) -> dict[str, Any]:
    remedy = {
        "won": "a penalty (penalty.r1_weight), more dropout in the discriminator or a lower"
        " discriminator.learning_rate can help; with health.won=rollback training goes back by itself",
        "collapsed": "a penalty (penalty.r1_weight), lower learning rates or another seed can help;"
        " with health.collapsed=rollback training goes back by itself",
    }[problem.kind]
    message = f"at step {step} {problem.text}; training continues; {remedy}"
    return {"step": step, "event": "warning", "problem": problem.kind, "message": message}


def _rollback(problem: Problem, found_at: int, step: int, count: int, rate: float) -> dict[str, Any]:
    remedy = f"learning rates are now {rate:g} of the recipe's, data order and latents are new"
    return {
        "step": step,
        "event": "rollback",
        "rollback": count,
        "found_at": found_at,
        "problem": problem.kind,
        "learning_rate_scale": rate,
        "message": f"at step {found_at} {problem.text}: going back to step {step}; {remedy}",
    }


def _given_up(problem: Problem, step: int, rollbacks: int) -> str:
    tried = f", and {rollbacks} rollback{'s' * (rollbacks != 1)} did not help" if rollbacks else ""
    return (
        f"training has gone wrong: at step {step} {problem.text}{tried}; the last checkpoint is from before"
        " that: start again with lower learning rates (--set generator.learning_rate=..., --set"
        " discriminator.learning_rate=...) or a penalty (--set penalty.r1_weight=1)"
    )
