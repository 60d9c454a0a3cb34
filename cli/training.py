"""What the commands `train` and `run` share: a recipe from options, and progress."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .output import ProgressBar, say

if TYPE_CHECKING:
    from dropgan.train import DataOptions, Recipe, RunDirectory
    from dropgan.train.run.directory import RunFacts


def changes_from(
    generator_dropout: float | None,
    discriminator_dropout: float | None,
    steps: int | None,
    seed: int | None,
    settings: list[str] | None,
    conditional: bool | None = None,
    patience: int | None = None,
) -> dict[str, Any]:
    """The options that change a recipe, as dotted keys and values.

    Raises:
        typer.BadParameter: A --set has no equals sign.
    """
    changes: dict[str, Any] = {}
    for setting in settings or []:
        key, equals, value = setting.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set takes KEY=VALUE, not {setting!r}")
        changes[key.strip()] = value.strip()
    named = {
        "generator.dropout": generator_dropout,
        "discriminator.dropout": discriminator_dropout,
        "training.steps": steps,
        "training.seed": seed,
        "conditional": conditional,
        "training.patience": patience,
    }
    return changes | {key: value for key, value in named.items() if value is not None}


def data_options(
    size: int | None, colour: bool | None, strict: bool, label_column: str | None
) -> "DataOptions":
    """The options that stand beside ``--data``."""
    from dropgan.train import DataOptions

    chosen = {None: "auto", True: "colour", False: "grey"}[colour]
    return DataOptions(size or 0, chosen, strict, label_column or "")


class DataReport:
    """Shows how far the reading of pictures is; `watcher` is what `dropgan.train` wants."""

    def __init__(self, *, quiet: bool) -> None:
        from dropgan.train import Watcher

        self._quiet = quiet
        self._bar: ProgressBar | None = None
        self.watcher = Watcher(self._progress, self._say)

    def __enter__(self) -> "DataReport":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def _progress(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = ProgressBar("reading images", total, "images", quiet=self._quiet)
            self._bar.__enter__()
        self._bar.update(done)
        if done >= total:
            self.close()

    def _say(self, message: str) -> None:
        self.close()
        say(f"note: {message}", quiet=self._quiet)

    def close(self) -> None:
        """End the bar, if there is one."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


class TrainingReport:
    """Shows a run as it goes; gives the callbacks that `dropgan.train` wants."""

    def __init__(self, directory: Path, *, quiet: bool) -> None:
        self._directory, self._quiet = directory, quiet
        self._bar: ProgressBar | None = None
        self._score = ""
        self._data = DataReport(quiet=quiet)
        self.watcher = self._data.watcher

    def __enter__(self) -> "TrainingReport":
        return self

    def __exit__(self, *error: Any) -> None:
        self._data.close()
        if self._bar is not None:
            self._bar.__exit__(*error)

    def announce(self, recipe: "Recipe", facts: "RunFacts", step: int) -> None:
        """Say what is about to be trained with what, and begin the bar."""
        where = f"{facts.device}, {facts.precision}"
        if facts.device == "cpu":
            where += f", {facts.threads} thread{'s' if facts.threads > 1 else ''}"
        kind = ", class-conditional," if recipe.conditional else ""
        say(
            f"recipe {recipe.name}{kind} (dropout {recipe.generator.dropout:g} in the generator,"
            f" {recipe.discriminator.dropout:g} in the discriminator) on {Path(facts.data).name}; {where}",
            quiet=self._quiet,
        )
        if facts.init.source and step == 0:
            fresh = facts.init.fresh
            rest = f"all layers but {', '.join(fresh)}, which do not fit" if fresh else "all layers"
            say(f"beginning from {facts.init.source}: {rest}", quiet=self._quiet)
        self._bar = ProgressBar("training", recipe.training.steps, "steps", done=step, quiet=self._quiet)
        self._bar.__enter__()

    def observe(self, row: dict[str, Any]) -> None:
        """Move the bar, and say what is not to be overlooked."""
        assert self._bar is not None
        if "event" in row:
            say(f"note: {row['message']}", quiet=self._quiet)
        elif row.get("score") is not None:
            self._score = f" {row['score_name'].rsplit('_', 1)[0]} {row['score']:.2f}"
        elif "generator_loss" in row:
            losses = f"D {row['discriminator_loss']:.3f} G {row['generator_loss']:.3f}"
            self._bar.update(int(row["step"]), losses + self._score)


def describe(run: "RunDirectory") -> dict[str, Any]:
    """What a run has to show, for ``--json``: its last line of metrics, and its best score."""
    rows = run.read_metrics()
    samples = sorted((run.path / "samples").glob("*.png"))
    scores = [row for row in rows if row.get("score") is not None]
    best = min(scores, key=lambda row: (row["score"], row["step"]), default=None)
    return {
        "run": str(run.path),
        "checkpoint": str(run.last_checkpoint),
        "samples": str(samples[-1]) if samples else None,
        **next((row for row in reversed(rows) if "generator_loss" in row), {}),
        "best": best and {name: best[name] for name in ("step", "score", "score_name")},
    }
