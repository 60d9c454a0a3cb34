"""The report's charts, at the size of a phone's page so that their text stays readable there."""

import io
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dropgan.serve.printable import printable
from dropgan.train.monitor.style import plain_style

from .appearance import ClassShare
from .images import Material
from .pictures import Picture

REAL, GENERATED = "#3b6ea5", "#d9722e"  # told apart by colour-blind readers, and in grey on paper
_SIZE = (3.7, 2.8)  # inches
_DPI = 220
_POINTS = 1500


@plain_style()
def make_charts(material: Material, classes: tuple[ClassShare, ...]) -> list[Picture]:
    """Return every chart for which there is data."""
    charts = [_map(material)]
    if classes:
        charts.append(_bars(classes))
    charts += [*_score_curve(material.metrics), *_curves(material.metrics), *_accuracies(material.metrics)]
    return charts


def _map(material: Material) -> Picture:
    """Draw samples and real images in the first two principal components of the real features."""
    reals, fakes = (_some(part) for part in (material.reference.features.vectors, material.features.vectors))
    centre = reals.mean(0)
    _, _, axes = np.linalg.svd(reals - centre, full_matrices=False)
    figure, plot = new_figure()
    for vectors, colour, name, mark in ((reals, REAL, "real", "o"), (fakes, GENERATED, "generated", "^")):
        places = (vectors - centre) @ axes[:2].T
        plot.scatter(*places.T, s=4, c=colour, alpha=0.35, label=name, marker=mark, linewidths=0)
    legend = plot.legend(frameon=False, fontsize=8, markerscale=3, loc="best")
    for handle in legend.legend_handles:
        handle.set_alpha(1)
    plot.set_xticks([])
    plot.set_yticks([])
    return Picture(
        "Where samples lie",
        f"{len(reals):,} real images and {len(fakes):,} samples in the first two principal components of the"
        " real images' features. Blue without orange is data that is never drawn, orange without blue is"
        " what no data looks like.",
        png_of(figure),
    )


def _bars(classes: tuple[ClassShare, ...]) -> Picture:
    figure, plot = new_figure(height=0.26 * len(classes) + 0.7)
    places = np.arange(len(classes))[::-1]
    plot.barh(places + 0.19, [share.real for share in classes], 0.36, color=REAL, label="real")
    plot.barh(places - 0.19, [share.generated for share in classes], 0.36, color=GENERATED, label="generated")
    names = [printable(share.name) for share in classes]
    plot.set_yticks(places, names, parse_math=False)  # a $ is a letter of the name, not mathematics
    plot.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    plot.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)  # above the bars
    return Picture(
        "Classes", "How often each class occurs, by the verdict of the feature network.", png_of(figure)
    )


def _score_curve(metrics: list[dict[str, Any]]) -> list[Picture]:
    rows = sorted(
        (row for row in metrics if row.get("score") is not None), key=lambda row: (row["step"], row["score"])
    )
    if len(rows) < 2:
        return []
    name = rows[0]["score_name"].replace("_", " ")
    best = min(rows, key=lambda row: (row["score"], row["step"]))
    figure, plot = new_figure()
    plot.plot(
        [row["step"] for row in rows],
        [row["score"] for row in rows],
        color=REAL,
        lw=1.2,
        marker="o",
        ms=3,
        clip_on=False,  # the last point lies on the edge
    )
    plot.set_ylim(bottom=0)
    plot.set_xlabel("step", fontsize=8)
    caption = (
        f"The averaged generator's {name} samples: compare its points with one another. The best, at step"
        f" {best['step']:,}, is what dropgan export takes."
    )
    return [Picture("Fréchet distance in training", caption, png_of(figure))]


def _curves(metrics: list[dict[str, Any]]) -> list[Picture]:
    rows = [row for row in metrics if "generator_loss" in row and "discriminator_loss" in row]
    if len(rows) < 2:
        return []
    figure, plot = new_figure()
    steps = [row["step"] for row in rows]
    plot.plot(steps, [row["discriminator_loss"] for row in rows], color=REAL, lw=1.2, label="discriminator")
    plot.plot(
        steps, [row["generator_loss"] for row in rows], color=GENERATED, lw=1.2, ls="--", label="generator"
    )
    plot.set_xlabel("step", fontsize=8)
    plot.legend(frameon=False, fontsize=8)
    return [
        Picture("Losses in training", "They show that training ran, not how good it got.", png_of(figure))
    ]


def _accuracies(metrics: list[dict[str, Any]]) -> list[Picture]:
    rows = [row for row in metrics if "accuracy_real" in row]
    if len(rows) < 2:
        return []
    figure, plot = new_figure()
    steps = [row["step"] for row in rows]
    for key, name, colour, style in (
        ("accuracy_real", "real samples", REAL, "-"),
        ("accuracy_generated", "generated samples", GENERATED, "--"),
    ):
        plot.plot(steps, [row[key] for row in rows], color=colour, lw=1.2, ls=style, label=name)
    plot.set_ylim(0, 1.02)
    plot.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    plot.set_xlabel("step", fontsize=8)
    plot.legend(frameon=False, fontsize=8)
    caption = (
        "How much the discriminator judged rightly as training went, dropout acting. Both at 100 % for long"
        " mean that it has won and the generator no longer learns."
    )
    return [Picture("The discriminator's accuracy in training", caption, png_of(figure))]


def _some(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), _POINTS)).astype(np.int64)]


def new_figure(height: float = _SIZE[1], width: float = _SIZE[0]) -> tuple[Figure, Any]:
    """Create a figure of this size in inches with one plot, in the style of all charts."""
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)  # no window system, no global state
    plot = figure.add_subplot()
    plot.tick_params(labelsize=8)
    plot.spines[["top", "right"]].set_visible(False)
    return figure, plot


def png_of(figure: Figure) -> bytes:
    """Return the figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
