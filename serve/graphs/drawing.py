"""Draw graphs as pictures with numpy alone: nodes on a circle, edges as lines, types as colours.

``serve/js/drawing.js`` draws the same pictures to the byte. Both therefore use only operations that IEEE 754
rounds identically everywhere (sums, products, quotients, roots), and round the sines.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

SIDE = 64
"""Pixels of a drawing, high and wide."""
NODE_COLOURS = np.array(
    [[36, 41, 47], [37, 99, 235], [220, 38, 38], [22, 163, 74], [217, 119, 6], [147, 51, 234], [8, 145, 178]],
    np.float32,
)
"""Colours of the types of nodes; they repeat after the last one."""
EDGE_COLOURS = np.array([[120, 130, 140], [234, 88, 12], [190, 24, 93], [13, 148, 136]], np.float32)
_CHUNK = 256


def draw(graphs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw graphs on a white background.

    Args:
        graphs: uint8 [n, nodes, nodes].

    Returns:
        uint8 [n, 64, 64, 3].
    """
    count, nodes, _ = graphs.shape
    out = np.empty((count, SIDE, SIDE, 3), np.uint8)
    lines, discs = _strokes(nodes)
    rows, columns = np.triu_indices(nodes, 1)
    for first in range(0, count, _CHUNK):
        some = graphs[first : first + _CHUNK]
        paper = np.full((len(some), SIDE * SIDE, 3), 255, np.float32)
        for pair in range(len(rows)):
            _paint(paper, some[:, rows[pair], columns[pair]], lines[pair], EDGE_COLOURS)
        for node in range(nodes):
            _paint(paper, some[:, node, node], discs[node], NODE_COLOURS)
        out[first : first + _CHUNK] = np.rint(paper).astype(np.uint8).reshape(-1, SIDE, SIDE, 3)
    return out


def _paint(
    paper: NDArray[np.float32],
    kinds: NDArray[np.uint8],
    stroke: tuple[NDArray[np.int64], NDArray[np.float32]],
    colours: NDArray[np.float32],
) -> None:
    """Blend one stroke into the pictures whose graphs have it."""
    places, cover = stroke
    which = np.flatnonzero(kinds)
    if not len(which):
        return
    colour = colours[(kinds[which].astype(np.int64) - 1) % len(colours)]
    at = np.ix_(which, places)
    paper[at] += cover[None, :, None] * (colour[:, None] - paper[at])


@cache
def _strokes(
    nodes: int,
) -> tuple[
    list[tuple[NDArray[np.int64], NDArray[np.float32]]], list[tuple[NDArray[np.int64], NDArray[np.float32]]]
]:
    """Return the pixels that each edge and each node covers, and how much of each pixel."""
    angle = 2 * np.pi * np.arange(nodes) / nodes - np.pi / 2
    middle, radius = (SIDE - 1) / 2, SIDE * 0.4
    x, y = (np.rint((middle + radius * part(angle)) * 64) / 64 for part in (np.cos, np.sin))
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    size = max(1.6, min(4.0, 26 / nodes))
    discs = [_covered(_length(across - x[i], down - y[i]), size) for i in range(nodes)]
    lines = []
    for i, j in zip(*np.triu_indices(nodes, 1), strict=True):
        right, up = x[j] - x[i], y[j] - y[i]
        along = ((across - x[i]) * right + (down - y[i]) * up) / (right * right + up * up)
        along = np.clip(along, 0, 1)
        away = _length(across - x[i] - along * right, down - y[i] - along * up)
        lines.append(_covered(away, 0.8))
    return lines, discs


def _length(right: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(right * right + up * up)


def _covered(distance: NDArray[np.float64], radius: float) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    cover = np.clip(radius + 0.5 - distance, 0, 1).ravel()
    places = np.flatnonzero(cover)
    return places, cover[places].astype(np.float32)
