"""Check from each line of metrics that training goes well, at no cost per step."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..objective.losses import LOSSES
from ..recipes.settings import Recipe

ACCURATE = 0.99


@dataclass(frozen=True)
class Problem:
    """A problem of the training."""

    kind: Literal["not_finite", "exploded", "won", "collapsed"]
    text: str
    """A sentence without its end."""
    action: Literal["warn", "rollback"]


class Health:
    """Checks lines of metrics one after the other.

    Losses and weights that are not finite, and losses and gradients beyond a limit, are fatal. If the
    discriminator wins, or samples collapse, this is reported once, when it starts.
    """

    def __init__(self, recipe: Recipe, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """Start after the existing lines."""
        self._settings, self._loss = recipe.health, LOSSES[recipe.training.loss]
        self._won_since: int | None = None
        self._named: set[str] = set()
        self._last_step = 0
        for row in rows:
            if "generator_loss" in row:
                self.look(row)

    def look(self, row: Mapping[str, Any]) -> list[Problem]:
        """Return the new problems that a line shows. A fatal problem is returned alone."""
        fatal = self.fatal(row)
        if fatal is not None:
            return [fatal]
        found = {problem.kind: problem for problem in (self._won(row), self._collapsed(row)) if problem}
        new = [problem for kind, problem in found.items() if kind not in self._named]
        silent = set() if "spread" in row else {"collapsed"}  # only some lines tell of it
        self._named = set(found) | (self._named & silent)
        self._last_step = int(row["step"])
        return new

    def fatal(self, row: Mapping[str, Any]) -> Problem | None:
        """Return the fatal problem that a line shows, or None."""
        limits = self._settings
        for key, name in (
            ("discriminator_loss", "the discriminator's loss"),
            ("generator_loss", "the generator's loss"),
            ("discriminator_weights", "the discriminator's weights"),
            ("generator_weights", "the generator's weights"),
        ):
            if not math.isfinite(row[key]):
                return Problem(
                    "not_finite",
                    f"{name} {'are' if key.endswith('weights') else 'is'} no longer finite",
                    "rollback",
                )
            if key.endswith("loss") and abs(row[key]) > limits.loss_limit and self._loss.has_limit:
                return Problem("exploded", f"{name} has exploded to {row[key]:.3g}", "rollback")
        for key, name in (
            ("discriminator_gradient", "the discriminator's gradient"),
            ("generator_gradient", "the generator's gradient"),
        ):
            # one that is not finite is left out of the line; it shows in the weights, unless a scaler
            # of fp16 has skipped that step
            if row.get(key, 0.0) > limits.gradient_limit:
                return Problem("exploded", f"{name} has exploded to a norm of {row[key]:.3g}", "rollback")
        return None

    def _won(self, row: Mapping[str, Any]) -> Problem | None:
        accurate = min(row.get("accuracy_real", 0.0), row.get("accuracy_generated", 0.0)) >= ACCURATE
        lost = row["generator_loss"] >= self._loss.lost_from
        if self._settings.won == "ignore" or not accurate or not lost:
            self._won_since = None
            return None
        if self._won_since is None:
            self._won_since = self._last_step
        steps = int(row["step"]) - self._won_since
        if steps < self._settings.won_steps:
            return None
        text = (
            f"the discriminator has won: for {steps:,} steps it has classified 99 % of real and of"
            f" generated samples correctly, and the generator's loss is {row['generator_loss']:.2g}"
        )
        return Problem("won", text, self._settings.won)

    def _collapsed(self, row: Mapping[str, Any]) -> Problem | None:
        limits = self._settings
        if limits.collapsed == "ignore" or row["step"] < limits.collapsed_after:
            return None
        if row.get("spread", math.inf) >= limits.collapsed_spread:
            return None
        text = f"the samples are nearly identical: they vary by {row['spread']:.1%} of what the data does"
        return Problem("collapsed", text, limits.collapsed)
