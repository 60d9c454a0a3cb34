"""The charts of a sweep's report: the effect of each setting, and scores over steps."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dropgan.evaluate.charts import GENERATED, REAL, new_figure, png_of
from dropgan.evaluate.pictures import Picture
from dropgan.serve.printable import printable
from dropgan.train.monitor.style import plain_style

from .axes import Range, described, shown
from .results import Group, Results

_MAPS = 12  # heat maps, where there are more than two axes
_CURVES = 6  # combinations whose curves have a colour
_COLOURS = ("#3b6ea5", "#d9722e", "#22703c", "#8a4fa3", "#8a6100", "#b3261e")
_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))


@plain_style()
def make_charts(results: Results) -> list[Picture]:
    """Return every chart for which there is data."""
    varying = [key for key, axis in results.question.axes.items() if isinstance(axis, Range) or len(axis) > 1]
    if not results.ranked:
        return []
    if results.question.search:
        charts = [_scatter(results, key) for key in varying]
    elif len(varying) > 1:
        charts = list(itertools.islice(_maps(results, varying), _MAPS))
    else:
        charts = [_line(results, key) for key in varying]
    return [*charts, *_curves(results)]


def _line(results: Results, key: str) -> Picture:
    """Mean and spread over the values of one axis."""
    figure, plot = new_figure()
    values = _values(results, key)
    for place, value in enumerate(values):
        (group,) = (group for group in results.groups if group.values[key] == value)
        if group.mean is not None:
            plot.errorbar(place, group.mean, group.deviation or 0, color=REAL, marker="o", ms=4, capsize=3)
            plot.plot([place] * len(group.scores), list(group.scores.values()), "_", color=GENERATED, ms=9)
    plot.set_xticks(range(len(values)), [printable(shown(value)) for value in values], parse_math=False)
    plot.set_xlabel(printable(key), fontsize=8, parse_math=False)
    caption = "Mean and standard deviation over seeds, and each seed as an orange line. Lower is better."
    return Picture(f"{results.score_name} over {key}", caption, png_of(figure))


def _maps(results: Results, varying: Sequence[str]) -> Iterator[Picture]:
    """Yield a map of the first two axes for each combination of the others."""
    (vertical, horizontal), others = varying[:2], varying[2:]
    means = [group.mean for group in results.ranked if group.mean is not None]
    for rest in itertools.product(*(_values(results, key) for key in others)):
        fixed = dict(zip(others, rest, strict=True))
        groups = [group for group in results.groups if all(group.values[key] == fixed[key] for key in fixed)]
        where = f", {described(fixed)}" if fixed else ""
        yield Picture(
            f"{vertical} and {horizontal}{where}",
            f"Mean {results.score_name} over seeds, the standard deviation below it. Lower (lighter) is"
            " better; the best of the sweep has a frame.",
            _map(results, groups, vertical, horizontal, (min(means), max(means))),
        )


def _map(
    results: Results, groups: Sequence[Group], vertical: str, horizontal: str, limits: tuple[float, float]
) -> bytes:
    from matplotlib.patches import Rectangle

    rows, columns = _values(results, vertical), _values(results, horizontal)
    cells = {
        (rows.index(group.values[vertical]), columns.index(group.values[horizontal])): group
        for group in groups
    }
    means = np.full((len(rows), len(columns)), np.nan)
    for place, group in cells.items():
        if group.mean is not None and group.state == "finished":
            means[place] = group.mean
    figure, plot = new_figure(height=0.55 * len(rows) + 0.9, width=max(3.7, 0.75 * len(columns) + 1.2))
    low, high = limits
    plot.imshow(means, cmap="viridis_r", vmin=low, vmax=high if high > low else low + 1, aspect="auto")
    for (row, column), group in cells.items():
        finished = group.mean is not None and group.state == "finished"
        spread = "" if group.deviation is None else f"\n±{group.deviation:.2g}"
        text = f"{group.mean:.4g}{spread}" if finished else group.state
        dark = finished and group.mean is not None and group.mean > (low + high) / 2
        plot.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
        if group is results.best:
            plot.add_patch(Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, fill=False, ec=GENERATED, lw=2))
    plot.set_xticks(range(len(columns)), [printable(shown(value)) for value in columns], parse_math=False)
    plot.set_yticks(range(len(rows)), [printable(shown(value)) for value in rows], parse_math=False)
    plot.set_xlabel(printable(horizontal), fontsize=8, parse_math=False)
    plot.set_ylabel(printable(vertical), fontsize=8, parse_math=False)
    return png_of(figure)


def _scatter(results: Results, key: str) -> Picture:
    """Plot every combination of a search by its value of one axis."""
    figure, plot = new_figure()
    axis = results.question.axes[key]
    values = () if isinstance(axis, Range) else axis
    for group in results.ranked:
        place = values.index(group.values[key]) if values else group.values[key]
        best = group is results.best
        plot.plot(place, group.mean, marker="o", ms=6 if best else 4, color=GENERATED if best else REAL)
    if values:
        plot.set_xticks(range(len(values)), [printable(shown(value)) for value in values], parse_math=False)
    elif isinstance(axis, Range) and axis.log:
        plot.set_xscale("log")
    plot.set_xlabel(printable(key), fontsize=8, parse_math=False)
    caption = "Every combination that was trained to its end, the best in orange. Lower is better."
    return Picture(f"{results.score_name} over {key}", caption, png_of(figure))


def _curves(results: Results) -> list[Picture]:
    """Plot scores over steps, as the mean of the seeds that have a score there."""
    figure, plot = new_figure(height=3.4)
    drawn = False
    for place, group in reversed(list(enumerate(results.ranked))):
        points = _mean_curve(group)
        if len(points) > 1:
            drawn, named = True, place < _CURVES
            plot.plot(
                *zip(*points, strict=True),
                color=_COLOURS[place] if named else "#c8ced5",
                ls=_STYLES[place] if named else "-",
                lw=1.3 if named else 0.8,
                label=f"{place + 1}" if named else None,
            )
    if not drawn:
        return []
    plot.set_ylim(bottom=0)
    plot.set_xlabel("step", fontsize=8)
    handles, labels = plot.get_legend_handles_labels()
    plot.legend(handles[::-1], labels[::-1], frameon=False, fontsize=8, title="place", title_fontsize=8)
    caption = (
        f"Mean over seeds. The best {min(_CURVES, len(results.ranked))} have the number of their place in the"
        " table, the others are grey."
    )
    return [Picture(f"{results.score_name} in training", caption, png_of(figure))]


def _mean_curve(group: Group) -> list[tuple[int, float]]:
    at: dict[int, list[float]] = {}
    for _, outcome in group.trials:
        for step, value in outcome.scores if outcome else ():
            if value is not None:
                at.setdefault(step, []).append(value)
    return [(step, statistics.fmean(values)) for step, values in sorted(at.items())]


def _values(results: Results, key: str) -> tuple[Any, ...]:
    axis = results.question.axes[key]
    assert not isinstance(axis, Range)
    return axis
