"""A search: Optuna proposes values where scores are promising, and ends poor trials early.

Optuna stores nothing. For each proposal and each verdict it is given the sweep's trials, which are in their
directories. There is therefore no second storage that a crash could leave inconsistent. A proposal is a
function of the seed, its number and the trials before it.
"""

import json
import statistics
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from dropgan.serve.atomic import write_text
from dropgan.serve.errors import DropganError, MissingExtraError
from dropgan.serve.lock import Lock
from dropgan.serve.ordinary import read_text
from dropgan.serve.parsing import json_text
from dropgan.train import RunDirectory, RunError

from .axes import Axis, Range, SweepError
from .points import Space
from .trial import Outcome, Trial, outcome_of, trial_name

_FILE = "proposed.json"
_STARTUP = 5  # trials of random values, and finished ones before any is ended early
_TRIES = 100  # to find values that are new and can be trained
_WARM_UP = 0.25  # share of the steps before which no trial is ended early
_PATIENCE = 60.0  # seconds for others to propose
_PROPOSALS = TypeAdapter(list[dict[str, Any]])


def require_optuna() -> Any:
    """Import optuna.

    Raises:
        MissingExtraError: Optuna is not installed.
    """
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "a search (--trials) needs Optuna: pip install 'dropgan[sweep]'; a grid does not"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class Search:
    """Trials that are proposed one after the other."""

    def __init__(
        self,
        path: Path,
        folder: Path,
        axes: Mapping[str, Axis],
        space: Space,
        seeds: tuple[int, ...],
        count: int,
        *,
        prune: bool,
    ) -> None:
        """Start, or continue with the proposals on disk.

        Args:
            path: Directory of the sweep.
            folder: Directory of its trials.
            axes: The axes of the search.
            space: Makes points from values.
            seeds: Seeds with which each proposal is trained; its value is their mean.
            count: Number of proposals.
            prune: End poor trials early.
        """
        self._path, self._folder, self._axes, self._space = path, folder, axes, space
        self._seeds, self._count, self._prune = seeds, count, prune
        self._optuna = require_optuna()
        self._known: list[list[Trial]] = []  # of each proposal, its trials

    def trials(self) -> list[Trial]:
        """Return the trials of all proposals so far, in order."""
        self._read()
        return [trial for trials in self._known for trial in trials]

    def propose(self) -> bool:
        """Write another proposal, unless there are enough."""
        lock = Lock(self._path / ".proposing.lock", patience=_PATIENCE)
        try:
            self._read()
            if len(self._known) >= self._count:
                return False
            proposed = [dict(trials[0].values) for trials in self._known]
            values = self._new_values(proposed)
            write_text(self._path / _FILE, json_text([*proposed, values], indent=1) + "\n")
        finally:
            lock.release()
        return True

    def verdict(self, trial: Trial) -> Outcome | None:
        """Return ``pruned`` if finished trials were better after equally many steps.

        The same applies if these values were already pruned with another seed.
        """
        siblings = next(trials for trials in self._known if trial.name in {one.name for one in trials})
        for other in siblings:
            outcome = other.outcome()
            if outcome is not None and outcome.state in ("diverged", "pruned"):
                return Outcome(
                    "pruned", None, None, (), outcome.score_name, f"{outcome.state} with seed {other.seed}"
                )
        if not self._prune:
            return None
        scores = outcome_of(trial)
        if not scores.scores or not self._is_poor(trial, scores):
            return None
        step, _ = scores.scores[-1]
        message = f"at step {step:,} worse than the median of the finished trials"
        return Outcome("pruned", None, None, scores.scores, scores.score_name, message)

    def _read(self) -> None:
        path = self._path / _FILE
        try:
            proposed = _PROPOSALS.validate_json(read_text(path))
            for number in range(len(self._known), len(proposed)):
                self._known.append(self._trials_of(number, proposed[number]))
        except FileNotFoundError:
            return
        except (OSError, ValidationError, UnicodeDecodeError, DropganError) as error:
            raise RunError(
                f"{path} is damaged, or of another version of dropgan: start a new sweep"
            ) from error

    def _trials_of(self, number: int, values: Mapping[str, Any]) -> list[Trial]:
        point = self._space.point(values)
        names = (f"{number:04d}_{trial_name(point.values, seed)}" for seed in self._seeds)
        return [
            Trial(point, seed, RunDirectory(self._folder / name))
            for seed, name in zip(self._seeds, names, strict=True)
        ]

    def _new_values(self, proposed: list[dict[str, Any]]) -> dict[str, Any]:
        """Return values that were not proposed before and that can be trained."""
        seed = 1_000_003 * self._seeds[0] + 1009 * len(proposed)
        told = [(values, *self._told(trials)) for values, trials in zip(proposed, self._known, strict=True)]
        for attempt in range(_TRIES):
            values = self._asked(told, seed + attempt, random=attempt > _TRIES // 2)
            try:
                new = dict(self._space.point(values).values)
            except DropganError:  # between ends that can be trained lies a value that cannot
                continue
            if new not in proposed:
                return new
        raise SweepError(
            f"no values are left that were not tried: ask for {len(proposed)} trials, or widen an axis"
        )

    def _asked(
        self, told: list[tuple[dict[str, Any], Any, Any, Any]], seed: int, *, random: bool
    ) -> dict[str, Any]:
        optuna = self._optuna
        with _quietly():
            samplers = optuna.samplers
            sampler = (
                samplers.RandomSampler(seed=seed)
                if random
                else samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP, constant_liar=True)
            )
            study = optuna.create_study(sampler=sampler)
            distributions = {key: self._distribution(axis) for key, axis in self._axes.items()}
            for values, state, value, scores in told:
                params = {key: self._coded(key, one) for key, one in values.items()}
                study.add_trial(
                    optuna.trial.create_trial(
                        state=state,
                        value=value,
                        params=params,
                        distributions=distributions,
                        intermediate_values=scores,
                    )
                )
            asked = study.ask(distributions).params
        return {key: self._decoded(key, value) for key, value in asked.items()}

    def _told(self, trials: list[Trial]) -> tuple[Any, float | None, dict[int, float]]:
        """Return state, value and scores of a proposal in Optuna's terms."""
        states = self._optuna.trial.TrialState
        outcomes = [trial.outcome() for trial in trials]
        scores = _finite(outcomes[0]) if outcomes[0] is not None else {}
        ended = {outcome.state for outcome in outcomes if outcome is not None}
        if "diverged" in ended:
            return states.FAIL, None, scores
        if "pruned" in ended:
            return (states.PRUNED if scores else states.FAIL), None, scores
        if any(outcome is None for outcome in outcomes):
            return states.RUNNING, None, scores
        return (
            states.COMPLETE,
            statistics.fmean(one.score for one in outcomes if one and one.score is not None),
            scores,
        )

    def _is_poor(self, trial: Trial, so_far: Outcome) -> bool:
        """Return True if the best score so far is worse than the median of finished trials at the
        same step.
        """
        optuna, states = self._optuna, self._optuna.trial.TrialState
        pruner = optuna.pruners.MedianPruner(_STARTUP, int(_WARM_UP * trial.recipe.training.steps))
        with _quietly():
            study = optuna.create_study(pruner=pruner)
            for other in self.trials():
                outcome = other.outcome()
                if outcome is not None and outcome.state == "finished":
                    study.add_trial(
                        optuna.trial.create_trial(
                            state=states.COMPLETE, value=outcome.score, intermediate_values=_finite(outcome)
                        )
                    )
            own = optuna.trial.create_trial(state=states.RUNNING, intermediate_values=_finite(so_far))
            return bool(pruner.prune(study, own))

    def _distribution(self, axis: Axis) -> Any:
        distributions = self._optuna.distributions
        if not isinstance(axis, Range):
            return distributions.CategoricalDistribution([json.dumps(value) for value in axis])
        kind = distributions.IntDistribution if axis.whole else distributions.FloatDistribution
        return kind(axis.low, axis.high, log=axis.log)

    def _coded(self, key: str, value: Any) -> Any:
        return value if isinstance(self._axes[key], Range) else json.dumps(value)

    def _decoded(self, key: str, value: Any) -> Any:
        """Return a value rounded to four digits, which suffice and keep the directory's name readable."""
        axis = self._axes[key]
        if not isinstance(axis, Range):
            return json.loads(value)
        return value if axis.whole else min(max(float(f"{value:.4g}"), axis.low), axis.high)


def _finite(outcome: Outcome) -> dict[int, float]:
    return {step: value for step, value in outcome.scores if value is not None}


@contextmanager
def _quietly() -> Iterator[None]:
    """Hide Optuna's warnings about experimental features that are used here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
