"""The results of a sweep: each combination with its spread over seeds, and the best one."""

import csv
import io
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tomli_w

from dropgan.serve.atomic import write_text
from dropgan.serve.parsing import json_text
from dropgan.serve.printable import printable

from .axes import Range, Values, described
from .question import Question
from .trial import Outcome, Trial

_JSON, _CSV, _BEST, _REPORT = "results.json", "results.csv", "best.toml", "report.html"


@dataclass(frozen=True)
class Group:
    """A combination, and its trials with each seed."""

    values: Values
    trials: tuple[tuple[Trial, Outcome | None], ...]

    @cached_property
    def scores(self) -> dict[int, float]:
        """Return the best score of each finished trial by its seed; lower is better."""
        return {
            trial.seed: outcome.score
            for trial, outcome in self.trials
            if outcome is not None and outcome.state == "finished" and outcome.score is not None
        }

    @property
    def state(self) -> str:
        """``finished`` if all its trials are, ``diverged`` or ``pruned`` if one of them is, otherwise
        ``open``.
        """
        states = {outcome.state if outcome else "open" for _, outcome in self.trials}
        return next((state for state in ("diverged", "pruned", "open") if state in states), "finished")

    @property
    def mean(self) -> float | None:
        """Mean of the existing scores; None without any."""
        return statistics.fmean(self.scores.values()) if self.scores else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the scores over seeds (n - 1); None for fewer than two."""
        return statistics.stdev(self.scores.values()) if len(self.scores) > 1 else None

    def against(self, other: "Group") -> tuple[float, float | None] | None:
        """Return mean and standard deviation of the differences from another combination, seed by seed.

        With the same seed both see the same data, latents and initial weights, so much of the variation
        between seeds cancels.
        """
        pairs = [self.scores[seed] - other.scores[seed] for seed in self.scores if seed in other.scores]
        if not pairs:
            return None
        return statistics.fmean(pairs), statistics.stdev(pairs) if len(pairs) > 1 else None


@dataclass(frozen=True)
class Results:
    """The results of a sweep so far."""

    path: Path
    """Directory of the sweep."""
    question: Question
    groups: tuple[Group, ...]
    """Every combination, in the order of the axes."""

    @property
    def trials(self) -> list[tuple[Trial, Outcome | None]]:
        """All trials, with the outcome of those that have ended."""
        return [one for group in self.groups for one in group.trials]

    @property
    def score_name(self) -> str:
        """Name of the scores."""
        return next((outcome.score_name for _, outcome in self.trials if outcome and outcome.score_name), "")

    @property
    def complete(self) -> bool:
        """True if every trial has ended."""
        return all(outcome is not None for _, outcome in self.trials)

    @cached_property
    def ranked(self) -> list[Group]:
        """Return combinations with a score: first those finished with every seed, each part by
        lowest mean.
        """
        having = [group for group in self.groups if group.mean is not None]
        return sorted(having, key=lambda group: (group.state != "finished", group.mean))

    @property
    def best(self) -> Group | None:
        """Return the combination with the lowest mean of those finished with every seed, or None.

        A combination that diverged with one seed is never the best, however good its other seeds are.
        """
        return next((group for group in self.ranked if group.state == "finished"), None)

    def as_dict(self) -> dict[str, Any]:
        """Return everything for programs. It does not depend on who trained what, or when."""
        return {
            "score": self.score_name,
            "complete": self.complete,
            "axes": {
                key: asdict(axis) if isinstance(axis, Range) else axis
                for key, axis in self.question.axes.items()
            },
            "seeds": list(self.question.seeds),
            "best": self._group(self.best) if self.best else None,
            "combinations": [self._group(group) for group in self.groups],
            "trials": [self._trial(trial, outcome) for trial, outcome in self.trials],
        }

    def write(self) -> None:
        """Write results.json, results.csv, and best.toml if there is a best combination.

        Raises:
            OutputError: A file cannot be written.
        """
        write_text(self.path / _JSON, json_text(self.as_dict(), indent=1) + "\n")
        write_text(self.path / _CSV, self._table())
        if self.best is not None:
            write_text(self.path / _BEST, self._recipe(self.best))

    @property
    def report_file(self) -> Path:
        """The HTML report."""
        return self.path / _REPORT

    @property
    def best_file(self) -> Path:
        """The best combination as a recipe for ``--recipe``."""
        return self.path / _BEST

    def _group(self, group: Group) -> dict[str, Any]:
        against = None if self.best is None else group.against(self.best)
        return {
            "values": dict(group.values),
            "state": group.state,
            "mean": group.mean,
            "deviation": group.deviation,
            "scores": {str(seed): score for seed, score in group.scores.items()},
            "above_best": None if against is None else {"mean": against[0], "deviation": against[1]},
        }

    def _trial(self, trial: Trial, outcome: Outcome | None) -> dict[str, Any]:
        return {
            "run": trial.run.path.relative_to(self.path).as_posix(),
            "values": dict(trial.values),
            "seed": trial.seed,
            "state": outcome.state if outcome else "open",
            "score": outcome.score if outcome else None,
            "step": outcome.step if outcome else None,
            "scores": [list(one) for one in outcome.scores] if outcome else [],
            "message": outcome.message if outcome else "",
        }

    def _table(self) -> str:
        """Return one line per trial, for spreadsheets."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([*self.question.axes, "seed", "state", "score", "step", "last_score", "run"])
        for trial, outcome in self.trials:
            row = self._trial(trial, outcome)
            last = row["scores"][-1][1] if row["scores"] else None
            values: Sequence[Any] = [trial.values[key] for key in self.question.axes]
            writer.writerow([*values, trial.seed, row["state"], row["score"], row["step"], last, row["run"]])
        return buffer.getvalue()

    def _recipe(self, group: Group) -> str:
        assert group.mean is not None
        point = group.trials[0][0].point
        spread = "" if group.deviation is None else f", standard deviation {group.deviation:.4g}"
        seeds = f"over {len(group.scores)} seed{'s' * (len(group.scores) > 1)}"
        head = (
            f"# The best of {len(self.groups)} combinations: {printable(described(group.values))}",
            f"# {self.score_name} {group.mean:.4g} {seeds}{spread}, on {printable(self.question.data)}",
        )
        return "\n".join([*head, "", tomli_w.dumps(point.recipe.model_dump(mode="json"))])


def results_of(path: Path, question: Question, trials: Sequence[Trial]) -> Results:
    """Return the outcomes of trials so far, from their directories.

    Raises:
        RunError: A trial.json is damaged.
    """
    groups: dict[str, list[tuple[Trial, Outcome | None]]] = {}
    for trial in trials:
        groups.setdefault(described(trial.values), []).append((trial, trial.outcome()))
    return Results(
        path, question, tuple(Group(found[0][0].values, tuple(found)) for found in groups.values())
    )
