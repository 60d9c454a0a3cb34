"""report.html of a table: the verdict, the scores, each column's distribution, and the worst pair."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dropgan.serve.atomic import write_text
from dropgan.serve.printable import printable
from dropgan.train.monitor.style import plain_style

from .charts import GENERATED, REAL
from .page import page_environment
from .pictures import Picture
from .vectors import VectorEvaluation, VectorMaterial

_COLUMNS = 24  # that are drawn, the worst first
_BINS = 40
_POINTS = 1500
_ENDS = (0.5, 99.5)  # percentiles between which a column is drawn
_EXPLAINED = {
    "frechet_distance_vectors": "Fréchet distance of the columns; lower is better",
    "wasserstein_vectors": "Wasserstein distance of the columns, their mean in deviations; lower is better",
    "ks_vectors": "Kolmogorov-Smirnov distance of the worst column; lower is better",
    "correlation_difference_vectors": "mean difference of correlations; lower is better",
    "precision_vectors": "share of samples that lie among the data; higher is better",
    "recall_vectors": "share of the data that lies among the samples; higher is better",
    "density_vectors": "how deep among the data the samples lie; 1 is as data",
    "authenticity_vectors": "share of samples further from their nearest training row than that is from its"
    " own nearest; good as real rows have",
    "c_t_vectors": "below 0 samples are nearer to training rows than held-out ones are, by copies or by"
    " crowding",
    "coverage_vectors": "share of the data that has a sample beside it; higher is better",
}


def write_table_report(evaluation: VectorEvaluation, path: Path | str) -> None:
    """Write the report of an evaluation of vectors as one self-contained HTML file.

    Raises:
        OutputError: The file cannot be written.
    """
    floor = {score.name: score.value for score in evaluation.held_out_scores}
    worst = sorted(evaluation.columns, key=lambda column: -column.ks)
    write_text(
        path,
        page_environment("dropgan.evaluate")
        .get_template("table.html.j2")
        .render(
            evaluation=evaluation,
            card=evaluation.card,
            scores=[(score, _EXPLAINED[score.name], floor.get(score.name)) for score in evaluation.scores],
            columns=worst,
            charts=_charts(evaluation, evaluation.material, [column.name for column in worst[:_COLUMNS]]),
        ),
    )


@plain_style()
def _charts(evaluation: VectorEvaluation, material: VectorMaterial, names: list[str]) -> list[Picture]:
    places = [evaluation.card.data.columns.index(name) for name in names]
    charts = [_histograms(material, places, names)]
    if evaluation.pair is not None:
        charts.append(_pair(evaluation, material))
    return charts


def _histograms(material: VectorMaterial, places: list[int], names: list[str]) -> Picture:
    across = min(3, len(places))
    down = -(-len(places) // across)
    figure = Figure(figsize=(2.6 * across, 1.7 * down + 0.3), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    plots = np.atleast_1d(figure.subplots(down, across)).ravel()
    for plot, place, name in zip(plots, places, names, strict=False):
        real, made = material.reals[:, place], material.samples[:, place]
        low, high = np.percentile(np.concatenate((real, made)), _ENDS)
        bins = np.linspace(low, high if high > low else low + 1, _BINS + 1)
        for values, colour, what in ((real, REAL, "real"), (made, GENERATED, "generated")):
            weights = np.full(len(values), 1 / len(values))
            plot.hist(values, bins, weights=weights, histtype="step", color=colour, lw=1.2, label=what)
        plot.set_title(printable(name)[:28], fontsize=8, parse_math=False)
        plot.tick_params(labelsize=7)
        plot.set_yticks([])
        plot.spines[["top", "right", "left"]].set_visible(False)
    for plot in plots[len(places) :]:
        plot.set_visible(False)
    handles, labels = plots[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2, frameon=False, fontsize=8)
    return Picture(
        "Columns",
        "Distributions of columns, real and generated, from percentile 0.5 to 99.5; the worst column first.",
        _png(figure),
    )


def _pair(evaluation: VectorEvaluation, material: VectorMaterial) -> Picture:
    assert evaluation.pair is not None
    first, second = (evaluation.card.data.columns.index(name) for name in evaluation.pair.names)
    figure = Figure(figsize=(5.2, 2.8), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    plots = figure.subplots(1, 2, sharex=True, sharey=True)
    plots[0].set_ylabel(printable(evaluation.pair.names[1])[:28], fontsize=8, parse_math=False)
    for plot, rows, colour, what in zip(
        plots,
        (_some(material.reals), _some(material.samples)),
        (REAL, GENERATED),
        ("real", "generated"),
        strict=True,
    ):
        plot.scatter(rows[:, first], rows[:, second], s=3, c=colour, alpha=0.4, linewidths=0)
        plot.set_title(what, fontsize=8)
        plot.set_xlabel(printable(evaluation.pair.names[0])[:28], fontsize=8, parse_math=False)
        plot.tick_params(labelsize=7)
    return Picture(
        "Two columns together",
        f"{' with '.join(evaluation.pair.names)}: the pair whose correlation is furthest off,"
        f" {evaluation.pair.generated:.2f} where the data have {evaluation.pair.real:.2f}.",
        _png(figure),
    )


def _some(rows: NDArray[Any]) -> NDArray[Any]:
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), _POINTS)).astype(np.int64)]


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
