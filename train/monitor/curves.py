"""curves.png: the course of a run at a glance."""

import io
from typing import Any

from dropgan.serve.atomic import write_bytes
from dropgan.serve.printable import printable

from ..run.directory import RunDirectory
from .style import plain_style

_DISCRIMINATOR, _GENERATOR = "#3b6ea5", "#d9722e"  # told apart by colour-blind readers, and in grey
_DPI = 130


@plain_style()
def write_curves(run: RunDirectory) -> None:
    """Draw losses, accuracies and scores over steps, and mark rollbacks.

    Raises:
        OutputError: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import (
        FigureCanvasAgg,  # takes a second, which no step should wait for
    )
    from matplotlib.figure import Figure

    rows = run.read_metrics()
    lines = [row for row in rows if "generator_loss" in row]
    scores = sorted((row["step"], row["score"]) for row in rows if row.get("score") is not None)
    judged = any("accuracy_real" in row for row in lines)
    if not lines:
        return
    steered = any("discriminator_dropout" in row for row in lines)
    shown = {"losses": True, "accuracies": judged, "dropout": steered, "score": bool(scores)}
    panels = [name for name, is_shown in shown.items() if is_shown]
    figure = Figure(figsize=(7, 2.3 * len(panels)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = dict(zip(panels, figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0], strict=True))
    _pair(axes["losses"], lines, ("discriminator_loss", "generator_loss"), ("discriminator", "generator"))
    axes["losses"].set_ylabel("loss")
    if judged:
        names = ("accuracy_real", "accuracy_generated")
        _pair(axes["accuracies"], lines, names, ("real samples", "generated samples"))
        axes["accuracies"].set_ylabel("judged rightly")
        axes["accuracies"].set_ylim(0, 1.02)
        axes["accuracies"].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    if steered:
        _pair(axes["dropout"], lines, ("discriminator_dropout", "overfitting"), ("dropout", "overfitting"))
        axes["dropout"].set_ylabel("in the discriminator")
    if scores:
        best = min(scores, key=lambda score: (score[1], score[0]))
        label = f"best: {best[1]:.2f} at {best[0]:,}"
        axes["score"].plot(*zip(*scores, strict=True), color=_DISCRIMINATOR, lw=1.2, marker="o", ms=3)
        axes["score"].plot(*best, color=_GENERATOR, marker="o", ms=6, ls="", label=label)
        axes["score"].set_ylim(bottom=0)
        name = printable(next(row["score_name"] for row in rows if "score" in row))
        axes["score"].set_ylabel(_wrapped(name), parse_math=False)
        axes["score"].legend(frameon=False, fontsize=8)
    for row in rows:
        if row.get("event") == "rollback":
            for plot in axes.values():
                plot.axvline(row["step"], color="grey", lw=0.8, ls=":")
    for plot in axes.values():
        plot.tick_params(labelsize=8)
        plot.spines[["top", "right"]].set_visible(False)
    axes[panels[-1]].set_xlabel("step")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(run.curves_file, buffer.getvalue())


def _pair(plot: Any, lines: list[dict[str, Any]], keys: tuple[str, str], names: tuple[str, str]) -> None:
    styles = ((_DISCRIMINATOR, "-"), (_GENERATOR, "--"))
    for key, name, (colour, style) in zip(keys, names, styles, strict=True):
        points = [(row["step"], row[key]) for row in lines if key in row]
        if not points:
            continue
        plot.plot(*zip(*points, strict=True), color=colour, ls=style, lw=1.1, label=name)
    plot.legend(frameon=False, fontsize=8)


def _wrapped(name: str) -> str:
    words = name.split("_")
    return " ".join(words[:2]) + "\n" + " ".join(words[2:])
