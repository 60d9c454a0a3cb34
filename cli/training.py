"""The common part of the commands `train` and `run`: recipe and data from options, and a run's results."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from dropgan.train import DataOptions, RunDirectory


def changes_from(
    settings: list[str] | None,
    *,
    generator_dropout: float | None = None,
    discriminator_dropout: str | None = None,
    conditional: bool | None = None,
    steps: int | None = None,
    seed: int | None = None,
    patience: int | None = None,
) -> dict[str, Any]:
    """Return the options that change a recipe as dotted keys and values.

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
        "conditional": conditional,
        "training.steps": steps,
        "training.seed": seed,
        "training.patience": patience,
    }
    return changes | {key: value for key, value in named.items() if value is not None}


def data_options(
    size: int | None,
    colour: bool | None,
    strict: bool,
    label_column: str | None,
    header: bool | None,
    separator: str | None,
    decimal: str | None,
    limit: int | None,
) -> "DataOptions":
    """Return the options that accompany ``--data``."""
    from dropgan.train import DataOptions

    chosen = {None: "auto", True: "colour", False: "grey"}[colour]
    return DataOptions(
        size or 0,
        chosen,
        strict,
        label_column or "",
        {None: "", True: "yes", False: "no"}[header],
        separator or "",
        decimal or "",
        limit or 0,
    )


def was_said(context: typer.Context, *names: str) -> bool:
    """Return True if any of these options was given on the command line."""
    sources = [context.get_parameter_source(name) for name in names]
    return any(source is not None and source.name == "COMMANDLINE" for source in sources)


def describe(run: "RunDirectory") -> dict[str, Any]:
    """Return a run's results for ``--json``: its last line of metrics and its best score."""
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
