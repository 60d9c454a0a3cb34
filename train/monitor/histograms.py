"""Histograms of columns, real and generated together, in place of the grid for vectors."""

import io

import numpy as np
from torch import Tensor

from dropgan.serve.printable import printable

from ..data import VectorData
from .samples import SamplePicture
from .style import plain_style

_SAMPLES, _REAL = 2048, 20_000
_SHOWN, _ACROSS, _BINS = 12, 4, 40
_REAL_COLOUR, _MADE_COLOUR = "#9aa5b1", "#c2410c"


def histogram_picture(data: VectorData) -> SamplePicture:
    """Return a picture of the histograms of the first 12 columns, in the data's own units."""
    places = np.linspace(0, len(data) - 1, min(len(data), _REAL)).astype(np.int64)
    real = np.asarray(data.vectors[places][:, :_SHOWN], np.float64)

    def draw(samples: Tensor) -> bytes:
        made = data.delivered(samples.numpy())[:, :_SHOWN]
        return draw_histograms(real, made, data.columns[:_SHOWN])

    return SamplePicture(_SAMPLES, draw)


@plain_style()
def draw_histograms(real: np.ndarray, made: np.ndarray, columns: tuple[str, ...]) -> bytes:
    """Return a PNG file with one histogram per column: real filled, generated as a line.

    Args:
        real: float [n, columns].
        made: float [m, columns]. Values outside the real range by more than a tenth of it are counted at
            the edge.
        columns: Names of the columns.
    """
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(columns))
    down = -(-len(columns) // across)
    figure = Figure(figsize=(2.6 * across, 1.9 * down), dpi=100, layout="constrained")
    plots = figure.subplots(down, across, squeeze=False).ravel()
    for plot in plots[len(columns) :]:
        plot.set_axis_off()
    for place, (plot, name) in enumerate(zip(plots, columns, strict=False)):
        low, high = real[:, place].min(), real[:, place].max()
        edges = np.linspace(low - (high - low) / 10, high + (high - low) / 10, _BINS + 1)
        for values, style in (
            (real[:, place], {"color": _REAL_COLOUR, "fill": True, "label": "real"}),
            (made[:, place], {"color": _MADE_COLOUR, "label": "generated"}),
        ):
            counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
            plot.stairs(counts / len(values), edges, **style)
        shown = printable(name)
        shown = shown if len(shown) <= 24 else f"{shown[:23]}…"
        plot.set_title(shown, fontsize=8, parse_math=False)  # a $ is a letter of the name, not mathematics
        plot.tick_params(labelsize=6)
        plot.set_yticks([])
    plots[0].legend(fontsize=6, frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
