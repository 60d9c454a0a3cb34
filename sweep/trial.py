"""A trial: one run of one combination with one seed, and its outcome."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from dropgan.serve.atomic import write_text
from dropgan.serve.ordinary import read_text
from dropgan.serve.parsing import json_text
from dropgan.train import Recipe, RunDirectory, RunError, change_recipe

from .axes import SEED, Values, described, shown
from .points import Point

_OUTCOME = "trial.json"
_LONGEST = 150  # letters of a name, of the 255 bytes that file systems allow

State = Literal["finished", "diverged", "pruned"]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: its trial.json, which is written last."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    state: State
    """``diverged``: training went wrong for good; ``pruned``: ended early since others were better."""
    score: float | None
    """The best score in training; lower is better. None of a trial that is not finished."""
    step: int | None
    """Step of the best score."""
    scores: tuple[tuple[int, float | None], ...]
    """Step and value of every score."""
    score_name: str = ""
    message: str = ""
    """What went wrong."""


@dataclass(frozen=True)
class Trial:
    """One run of one combination with one seed."""

    point: Point
    seed: int
    run: RunDirectory

    @property
    def name(self) -> str:
        """Name of its directory, made from values and seed."""
        return self.run.path.name

    @property
    def values(self) -> Values:
        """The values of the axes, without the seed."""
        return self.point.values

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe of the trial."""
        return change_recipe(self.point.recipe, {SEED: self.seed})

    @property
    def described(self) -> str:
        """Values and seed as text."""
        return f"{described(self.values)} seed={self.seed}"

    def outcome(self) -> Outcome | None:
        """Return the outcome, or None if the trial has not ended.

        Raises:
            RunError: Its trial.json is damaged.
        """
        path = self.run.path / _OUTCOME
        try:
            return _OUTCOMES.validate_json(read_text(path))
        except FileNotFoundError:
            return None
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise RunError(f"{path} is damaged: remove it, and the sweep looks at the trial again") from error

    def record(self, outcome: Outcome) -> None:
        """Write the outcome.

        Raises:
            OutputError: It cannot be written.
        """
        write_text(self.run.path / _OUTCOME, json_text(asdict(outcome), indent=1) + "\n")


_OUTCOMES = TypeAdapter(Outcome)


def outcome_of(trial: Trial, wrong: str = "") -> Outcome:
    """Return the outcome of a trial from its metrics; ``wrong`` is why it could not be trained."""
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


def trial_name(values: Values, seed: int) -> str:
    """Return the name of a trial's directory: ``generator.dropout=0.1_seed=0``.

    If values contain characters that a file name should not have, a digest is added to distinguish them.
    """
    plain = "_".join(f"{key}={re.sub('[^A-Za-z0-9.+-]', '-', shown(value))}" for key, value in values.items())
    exact = "_".join(f"{key}={shown(value)}" for key, value in values.items())
    if plain != exact or len(plain) > _LONGEST:
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]
        plain = f"{plain[:_LONGEST]}_{digest}"
    return f"{plain}_seed={seed}"
