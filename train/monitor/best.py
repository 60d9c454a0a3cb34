"""Keep the best weights so far, by the score of the averaged generator."""

import math
from pathlib import Path
from typing import Any

from ..run.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from .scoring import Scored


class BestKeeper:
    """Keeps the checkpoint with the lowest score in a file.

    The file itself records its score, so a run that was killed at any moment ends with the same file: scores
    that are computed again are equal, and the first of equal scores is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._best: tuple[str, float, int] | None = None  # name, value, step
        try:
            about = load_checkpoint(path).about
            self._best = (about["score"]["name"], float(about["score"]["value"]), int(about["step"]))
        except (CheckpointError, KeyError, TypeError, ValueError):
            pass  # none yet, or damaged: the next score is the best there is

    def offer(self, scored: Scored, about: dict[str, Any]) -> None:
        """Keep the weights of a score if no earlier score is at least as good.

        Raises:
            OutputError: The file cannot be written.
        """
        if not math.isfinite(scored.value):
            return
        if self._best is not None:
            name, value, step = self._best
            if name == scored.name and (value, step) < (scored.value, scored.step):
                return
        score = {"name": scored.name, "value": scored.value}
        said = {**about, "step": scored.step, "seconds": scored.seconds, "score": score}
        save_checkpoint(self._path, Checkpoint(scored.tensors, said))
        self._best = (scored.name, scored.value, scored.step)


def scores_in(rows: list[dict[str, Any]]) -> list[tuple[int, float]]:
    """Return step and value of each score among lines of metrics, in the order of steps."""
    return sorted((row["step"], row["score"]) for row in rows if row.get("score") is not None)


def exhausted(rows: list[dict[str, Any]], patience: int, before: int) -> int | None:
    """Return the step of the best score if the last ``patience`` scores or more were not better, else None.

    Args:
        rows: Lines of metrics.
        patience: Number of scores that may be no better; 0 means any number.
        before: Count only scores of steps before this one, which exist whatever the speed of scoring.
    """
    scores = [(value, step) for step, value in scores_in(rows) if step < before]
    if not patience or not scores:
        return None
    best = min(scores)
    return best[1] if len(scores) - 1 - scores.index(best) >= patience else None
